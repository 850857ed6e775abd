"""What came of comparisons, and having another one made."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.kit.db import Session
from app.kit.pagination import Page, paginate
from app.outbox import queries as outbox_queries
from app.outbox import service as outbox

TASK = "reporting.reconcile"
#: Of the cases that differences become.
KIND = "reconciliation"

_INSERT = """
INSERT INTO reconciliations (id, source, since, began_at, ended_at, compared, healed, differences,
    failure)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_REMARKABLE = """
SELECT id, source, since, began_at, ended_at, compared, healed, differences, failure
FROM reconciliations
WHERE (differences > 0 OR healed > 0 OR failure IS NOT NULL)
    AND (%(before)s::uuid IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s
"""
# Nightly and on demand: a few rows a day of each source, so a year of them is read in no time.
_LATEST = """
SELECT DISTINCT ON (source)
    id, source, since, began_at, ended_at, compared, healed, differences, failure
FROM reconciliations ORDER BY source, id DESC
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One comparison of our books with one source."""

    id: UUID
    source: str
    since: datetime
    began_at: datetime
    ended_at: datetime
    #: How many of its items, or of our balances there, were held against our books.
    compared: int
    #: What we had not heard of, and have now.
    healed: int
    differences: int
    #: Why it could not be finished.
    failure: str | None

    @property
    def outcome(self) -> str:
        """`agrees`, `differs` or `unfinished`."""
        if self.differences:
            return "differs"
        return "agrees" if self.failure is None else "unfinished"


def keep(session: Session, run: Run) -> None:
    """Write down what came of one."""
    session.send(_INSERT, astuple(run))


def remarkable(session: Session, *, limit: int, before: UUID | None = None) -> Page[Run]:
    """The comparisons in which something differed or was healed, or which could not be finished;
    newest first."""
    rows = session.rows(_REMARKABLE, {"before": before, "limit": limit + 1})
    return paginate([Run(*row) for row in rows], limit, lambda run: run.id)


def latest(session: Session) -> Sequence[Run]:
    """The last comparison with each source, by source; our own books first."""
    found = [Run(*row) for row in session.rows(_LATEST)]
    return sorted(found, key=lambda run: (run.source != "books", run.source))


def is_asked_for(session: Session) -> bool:
    """Whether one waits to be made, or is being made."""
    return outbox_queries.is_task_pending(session, TASK)


def ask(session: Session, actor: Actor) -> None:
    """Have everything compared as soon as a worker is free; while that waits, asking again changes
    nothing."""
    if not is_asked_for(session):
        outbox.stage(session, TASK, {})
        audit.record(session, actor=actor, action="reconciliation.asked", subject=TASK)
