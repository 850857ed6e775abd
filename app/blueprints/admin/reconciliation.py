"""Reconciliation: the comparisons of our books with themselves and with providers' records."""

from collections.abc import Mapping

from flask import url_for

from app.access import Actor, Permission
from app.blueprints.forms import Form, FormSchema
from app.blueprints.lists import ChoiceFilter, Column, EnumFilter, ListPage, Options
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import provider_name
from app.kit.db import Session
from app.reconciliation import queries as reconciliation_queries
from app.reconciliation import service as reconciliation
from app.reconciliation.queries import ReconciliationRun, RunOutcome

blp = PageBlueprint("reconciliation", "/admin/reconciliation")


class ComparisonSchema(FormSchema):
    """No fields: every source is compared."""


COMPARE = Form(
    "compare",
    title="Compare now",
    about="Compares every source, beside the comparisons of each night.",
    schema=ComparisonSchema,
    button="Compare now",
    success="The comparison was requested. Its results appear here.",
    failure="The comparison was not requested",
)


def _label_source(name: str) -> str:
    """Return the name of a source for people: its provider, and which records."""
    provider, _, records = name.partition(" ")
    label = f"{provider_name(provider)} {records}".strip()
    return f"{label[0].upper()}{label[1:]}"


def _url_for_cases(run: ReconciliationRun) -> str | None:
    """Return the URL of the cases that its differences became, also the closed ones."""
    if not run.differences:
        return None
    kind = reconciliation_queries.CASE_KIND
    return url_for("cases_pages.list_cases", kind=kind, about=run.source, state="")


def _list_sources(session: Session, _actor: Actor) -> Options:
    latest = reconciliation_queries.latest_runs(session)
    return [(run.source, _label_source(run.source)) for run in latest]


RUNS = ListPage(
    name="reconciliation_runs",
    title="Reconciliation",
    about="Our books against themselves and against providers' records, every night and on"
    " request. Each difference becomes a case.",
    source=lambda _session, _actor: reconciliation_queries.NOTEWORTHY_RUNS,
    columns=(
        Column(
            "source",
            "Source",
            lambda run: _label_source(run.source),
            tooltip="The records that our books were compared with",
        ),
        Column("outcome", "Outcome", lambda run: run.outcome),
        Column("failure", "Why it is unfinished", lambda run: run.failure),
        Column(
            "compared",
            "Compared",
            lambda run: run.compared,
            tooltip="Payments, payouts, incoming transfers or balances",
        ),
        Column(
            "healed",
            "Fixed automatically",
            lambda run: run.healed,
            tooltip="Items that we had not heard of, and have now booked",
        ),
        Column("differences", "Differences", lambda run: run.differences),
        Column("ended", "Run at", lambda run: run.ended_at, sort="ended"),
    ),
    row_url=_url_for_cases,
    row_permission=Permission.CASES_READ,
    default_sort="-ended",
    filters=(
        ChoiceFilter("source", "Source", choices=_list_sources),
        EnumFilter("outcome", "Outcome", RunOutcome),
    ),
    empty=("No findings yet", "Runs with differences, fixes or failures appear here."),
    no_match="No run with findings has this source and outcome.",
)


def _show_latest(session: Session, actor: Actor) -> Mapping[str, object]:
    latest = reconciliation_queries.latest_runs(session)
    may_see_cases = Permission.CASES_READ in actor.permissions
    return {
        "latest": [
            (run, _label_source(run.source), _url_for_cases(run) if may_see_cases else None)
            for run in latest
        ],
        "agreeing": sum(run.outcome is RunOutcome.AGREES for run in latest),
        "differences": sum(run.differences for run in latest),
        "is_comparing": reconciliation_queries.is_run_requested(session),
        "compare_form": COMPARE if Permission.RECONCILIATION_ASK in actor.permissions else None,
        "may_see_cases": may_see_cases,
        "kind": reconciliation_queries.CASE_KIND,
    }


list_runs = blp.add_list(
    "",
    RUNS,
    permission=Permission.RECONCILIATION_READ,
    template="admin/reconciliation/index.html",
    context=_show_latest,
)


@blp.form("", COMPARE, shown_on=list_runs, permission=Permission.RECONCILIATION_ASK)
def request_comparison(session: Session, actor: Actor, _fields: Mapping[str, str]) -> None:
    """Start a comparison with every source now."""
    reconciliation.request_run(session, actor)
