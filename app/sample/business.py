"""The business while its sample is played: its people, its clock, and the verbs of the parts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import click

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import TRADABLE
from app.embedded.sample_people import DOMAIN
from app.jobs.dispatch import execute_job
from app.kit import clock, ids
from app.kit import tasks as kit_tasks
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.outbox import service as outbox
from app.outbox.rules import Backoff
from app.pricing import queries as pricing_queries
from app.pricing.ports import PriceFeed
from app.pricing.service import record_ticks
from app.sample.providers import Providers

#: How long the providers take to do by themselves what an act caused.
_SETTLING = (timedelta(), timedelta(seconds=10))
#: How long the people wait for what must have happened by then.
_TURNS_MAX = 20
_CLAIMED_MAX = 200


@dataclass
class Business:
    """The business at one moment of its past.

    `people` are the actors by the name of their email address, `things` the ids that later acts
    need.
    """

    database: Database
    providers: Providers
    feeds: list[PriceFeed]
    began_at: datetime
    set_clock: Callable[[datetime], None]
    people: dict[str, Actor] = field(default_factory=dict)
    things: dict[str, UUID] = field(default_factory=dict)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction."""
        with self.database.transaction() as session:
            yield session

    def travel(self, ago: timedelta) -> None:
        """Set the clocks so long before now, and publish the prices of that moment."""
        instant = self.began_at - ago
        self.set_clock(instant)
        self.providers.set_clock(instant)
        self.publish_prices()

    def publish_prices(self) -> None:
        """Record the prices of this moment."""
        now = clock.now()
        observations = {feed.name: feed.fetch(now) for feed in self.feeds}
        with self.transaction() as session:
            record_ticks(session, observations, now, pricing_queries.current_rules(session))

    def settle(self) -> None:
        """Run the jobs that are due and what the providers do, now and some seconds later."""
        start = clock.now()
        for wait in _SETTLING:
            self.set_clock(start + wait)
            self.providers.set_clock(start + wait)
            for _ in range(_TURNS_MAX):
                self.providers.advance()
                if not self.run_due_jobs():
                    break

    def run_due_jobs(self) -> int:
        """Run the jobs that are due, as relay and workers do; return how many."""
        backoff = Backoff()
        with self.transaction() as session:
            claimed = outbox.claim_due_jobs(
                session, list(kit_tasks.Queue), _CLAIMED_MAX, clock.now(), backoff,
                provider_jobs_max=_CLAIMED_MAX,
            )  # fmt: skip
        jobs = [identifier for queue in claimed.values() for identifier in queue]
        for identifier in jobs:
            execute_job(self.database, identifier, backoff)
        return len(jobs)

    def stage(self, *tasks: str) -> None:
        """Stage tasks of the timetable, and run them."""
        with self.transaction() as session:
            for task in tasks:
                outbox.stage(session, task, {})
        self.settle()

    def add(self, name: str, user_id: UUID, role: Role, branch_id: UUID | None = None) -> None:
        """Make a person known under this name."""
        email, permissions = f"{name}@{DOMAIN}", DEFAULT_PERMISSIONS[role]
        self.people[name] = Actor(
            user_id, None, email, role, permissions, branch_id, email_confirmed=True
        )

    def actor(self, name: str) -> Actor:
        """Return the person, who has just proven their identity."""
        return replace(self.people[name], proven_at=clock.now())

    def approve(self, checker: str, approval_id: UUID | None) -> None:
        """Approve a request as the checker sees it."""
        assert approval_id is not None, "no second person was asked for"
        with self.transaction() as session:
            request = approvals_queries.get_approval(session, approval_id)
            approvals.approve(session, self.actor(checker), approval_id, seen_hash=request.hash)


def amount(code: str, text: str) -> Amount:
    """Return an amount of an asset: `amount("USD", "12.50")`."""
    return Amount.parse(TRADABLE[code], text)


def record_by_command(
    session: Session, action: AuditAction, user_id: UUID, after: dict[str, str]
) -> None:
    """Record what the command did to a person; the reason is the command."""
    subject, reason = ids.encode("usr", user_id), click.get_current_context().command_path
    audit.record(session, actor=None, action=action, subject=subject, after=after, reason=reason)
