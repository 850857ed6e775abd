"""Play the timeline: every act with the clock set to its moment, and what follows from it."""

from collections.abc import Callable
from datetime import timedelta

from flask import Flask

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock
from app.kit.db import Database
from app.pricing import queries as pricing_queries
from app.pricing.ports import PriceFeed
from app.pricing.service import record_history
from app.sample.business import Business
from app.sample.providers import play_providers
from app.sample.timeline import SPAN, all_acts
from app.settings import service as settings

#: The subject of the two records that begin and end a load.
_SUBJECT = "sample"
_DAY = timedelta(days=1)
_HISTORY_STEP = timedelta(hours=6)
#: What the timetable stages, once for each day on which something happens: payouts to destinations
#: that have waited. Webhooks bring the rest.
_DAILY = ("funding.poll",)
#: What it stages at the end, with the books' sums and the seals of the audit trail.
_AT_THE_END = (
    *_DAILY, "custody.poll", "ledger.roll_up", "audit.seal", "reporting.reconcile",
)  # fmt: skip


def load(app: Flask, feeds: list[PriceFeed], report: Callable[[str], None]) -> int:
    """Play every act, and return how many people there are. Reports each month that begins."""
    database: Database = app.extensions["database"]
    with play_providers(app) as providers:
        with clock.time_travel() as set_clock:
            business = Business(database, providers, feeds, clock.now(), set_clock)
            _play(business, report)
        business.providers.set_clock(None)
        # The jobs are given some seconds, and the clock is right again afterwards.
        with clock.time_travel():
            business.stage(*_AT_THE_END)
        _finish(business)
    return len(business.people)


def _play(business: Business, report: Callable[[str], None]) -> None:
    """Play the acts. Webhooks and jobs that follow are done before the next."""
    business.travel(SPAN + _DAY)
    _record(business, AuditAction.SAMPLE_BEGUN)
    _record_price_history(business)
    day, month = SPAN + _DAY, ""
    for act in all_acts():
        business.travel(act.ago)
        if f"{clock.now():%B}" != month:
            month = f"{clock.now():%B}"
            report(f"Playing {month}")
        if day - act.ago >= _DAY:
            day = act.ago
            business.stage(*_DAILY)
        act.play(business)
        business.settle()


def _finish(business: Business) -> None:
    """Pay out at once from now on: people who try the sample do not wait. Record the end."""
    with business.transaction() as session:
        settings.set_by_operator(
            session, "destinations.wait_hours", "0", reason="The sample pays out at once",
            lead=timedelta(),
        )  # fmt: skip
        audit.record(session, actor=None, action=AuditAction.SAMPLE_LOADED, subject=_SUBJECT)


def _record(business: Business, action: AuditAction) -> None:
    with business.transaction() as session:
        audit.record(session, actor=None, action=action, subject=_SUBJECT)


def _record_price_history(business: Business) -> None:
    """Record what prices were, every few hours."""
    steps = range(SPAN // _HISTORY_STEP)
    instants = [business.began_at - SPAN + _HISTORY_STEP * step for step in steps]
    with business.transaction() as session:
        pricing_rules = pricing_queries.current_rules(session)
        for feed in business.feeds:
            observations = [each for instant in instants for each in feed.fetch(instant)]
            record_history(session, feed.name, observations, business.began_at, pricing_rules)
