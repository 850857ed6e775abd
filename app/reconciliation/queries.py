"""Reads of reconciliation: the results of past runs, and whether a run is requested."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from app.kit.db import Session
from app.kit.labels import Mark, StatusEnum
from app.kit.list_query import ListSource
from app.outbox import queries as outbox_queries
from app.reconciliation.models import ReconciliationRow

#: The name under which jobs are staged. It is older than this room.
TASK = "reporting.reconcile"
#: The same for one source.
COMPARE_TASK = "reconciliation.compare_source"
#: The kind of the cases that differences become.
CASE_KIND = "reconciliation"


class RunOutcome(StatusEnum):
    """What a comparison found. Not stored."""

    AGREES = "agrees", "Agrees", Mark.DONE
    DIFFERS = "differs", "Differs", Mark.PROBLEM
    UNFINISHED = "unfinished", "Unfinished", Mark.UNCERTAIN


@dataclass(frozen=True, slots=True)
class ReconciliationRun:
    """The result of one comparison of our books with one source."""

    id: UUID
    source: str
    since: datetime
    began_at: datetime
    ended_at: datetime
    #: How many of the source's items or balances were compared with our books.
    compared: int
    #: How many items we had missed and have booked now.
    healed: int
    differences: int
    #: Why the comparison could not be finished; None if it was.
    failure: str | None

    @property
    def outcome(self) -> RunOutcome:
        """What it found; differences take precedence over a failure."""
        if self.differences:
            return RunOutcome.DIFFERS
        return RunOutcome.AGREES if self.failure is None else RunOutcome.UNFINISHED


_RUNS = sa.select(*(getattr(ReconciliationRow, field.name) for field in fields(ReconciliationRun)))
_DIFFERS = ReconciliationRow.differences > 0
_FAILED = ReconciliationRow.failure.is_not(None)
_WITH_OUTCOME = {
    RunOutcome.DIFFERS: _DIFFERS,
    RunOutcome.UNFINISHED: sa.and_(sa.not_(_DIFFERS), _FAILED),
    RunOutcome.AGREES: sa.not_(sa.or_(_DIFFERS, _FAILED)),
}
#: The runs with differences, healed items or a failure.
NOTEWORTHY_RUNS = ListSource(
    ReconciliationRun,
    _RUNS.where(sa.or_(_DIFFERS, ReconciliationRow.healed > 0, _FAILED)),
    key=ReconciliationRow.id,
    sorts={"ended": ReconciliationRow.id},
    filters={
        "source": lambda name: ReconciliationRow.source == name,
        "outcome": _WITH_OUTCOME.__getitem__,
    },
)


def latest_runs(session: Session) -> Sequence[ReconciliationRun]:
    """Return the latest run of each source, sorted by source; our own books come first."""
    # Each source adds a few rows a day, so reading a year of them takes no time.
    source = ReconciliationRow.source
    latest = _RUNS.ext(distinct_on(source)).order_by(source, ReconciliationRow.id.desc())
    runs = session.select(ReconciliationRun, latest)
    return sorted(runs, key=lambda run: (run.source != "books", run.source))


def is_run_requested(session: Session) -> bool:
    """Return whether a run waits for a worker or is in progress, for any source."""
    return outbox_queries.is_task_pending(session, TASK, COMPARE_TASK)
