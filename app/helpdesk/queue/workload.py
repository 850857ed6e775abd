"""How much waits, and how fast support is: figures of the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.cases import queries as cases_queries
from app.helpdesk.queue import queries
from app.helpdesk.queue.rules import QueueTargets
from app.kit import clock
from app.kit.db import Session
from app.kit.statements import compile_select
from app.settings.queries import current

# Half of what was touched waited no longer than the median.
_RESPONSES = """
SELECT touched_by, count(*),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM touched_at - since))::bigint
FROM queue_claims WHERE touched_at > %s
GROUP BY GROUPING SETS ((touched_by), ()) ORDER BY count(*) DESC, touched_by
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one source. `late` waits longer than its target."""

    source: str
    title: str
    waiting: int
    late: int
    oldest_since: datetime | None


@dataclass(frozen=True, slots=True)
class Turnaround:
    """How often something was done, and how long it took in the middle; None if never."""

    count: int
    median_seconds: int | None


@dataclass(frozen=True, slots=True)
class Performance:
    """First responses and closed cases since a moment: of one person, or of all (`person_id`
    None)."""

    person_id: UUID | None
    first_responses: Turnaround
    closed_cases: Turnaround


def list_backlogs(session: Session, actor: Actor) -> Sequence[Backlog]:
    """Return what waits in each source whose work the actor may do, in one trip."""
    now, targets = clock.now(), current(session, QueueTargets)
    work = queries.queue_of(session, actor).select.subquery("work")
    counted = sa.select(
        work.c.source_name,
        sa.func.count().label("waiting"),
        sa.func.min(work.c.since).label("oldest_since"),
        *(
            sa.func.count()
            .filter(work.c.source_name == source.name, work.c.since < now - targets.of(source.name))
            .label(f"late_{source.name}")
            for source in queries.sources_for(actor)
        ),
    ).group_by(work.c.source_name)
    compiled = compile_select(counted)
    rows = [compiled.read(row) for row in session.rows(*compiled.statement)]
    found = {row["source_name"]: row for row in rows}
    nothing = {"waiting": 0, "oldest_since": None}
    return [
        Backlog(
            source.name,
            source.title,
            (row := found.get(source.name, nothing))["waiting"],
            row.get(f"late_{source.name}", 0),
            row["oldest_since"],
        )
        for source in queries.sources_for(actor)
    ]


def measure(session: Session, *, days: int) -> list[Performance]:
    """Return the performance of all in the last days, then of each colleague, the busiest first."""
    since = clock.now() - timedelta(days=days)
    responses, resolutions = session.fetch(
        (_RESPONSES, (since,)), cases_queries.select_resolutions(since)
    )
    first = {person_id: Turnaround(count, median) for person_id, count, median in responses}
    closed = {person_id: Turnaround(count, median) for person_id, count, median in resolutions}
    nothing = Turnaround(0, None)
    people = sorted(
        {*first, *closed} - {None},
        key=lambda person: (-first.get(person, nothing).count, str(person)),
    )
    return [
        Performance(person, first.get(person, nothing), closed.get(person, nothing))
        for person in (None, *people)
    ]
