"""Stage periodic tasks: once per period, however many schedulers run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.kit import tasks as kit_tasks
from app.kit.db import Session
from app.outbox import service

_KEEP = """
INSERT INTO timetable AS t (name, task, every_seconds, next_due_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE
SET task = excluded.task, every_seconds = excluded.every_seconds,
    next_due_at = least(t.next_due_at, excluded.next_due_at
        + make_interval(secs => excluded.every_seconds))
WHERE (t.task, t.every_seconds) <> (excluded.task, excluded.every_seconds)
"""
_DROP_OTHERS = "DELETE FROM timetable WHERE name <> ALL (%s)"

_DUE = """
SELECT t.name, t.task, EXISTS (
    SELECT FROM outbox o WHERE o.id = t.last_outbox_id AND o.done_at IS NULL AND o.dead_at IS NULL
)
FROM timetable t WHERE t.next_due_at <= %s ORDER BY t.next_due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# Stays on the grid of the period, and skips the periods that were missed.
_ADVANCE = """
UPDATE timetable SET next_due_at = next_due_at + make_interval(
    secs => every_seconds * (floor(extract(epoch FROM %(now)s - next_due_at) / every_seconds) + 1))
WHERE name = %(name)s
"""
_STAGED = "UPDATE timetable SET last_staged_at = %s, last_outbox_id = %s WHERE name = %s"


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """A task, which takes no arguments, and how often it is staged."""

    name: str
    task: str
    every_seconds: int


def synchronize(session: Session, timetable: Sequence[PeriodicTask], now: datetime) -> None:
    """Make the table equal to the list; new entries are due at once.

    Raises `LookupError` if an entry names an unknown task.
    """
    for entry in sorted(timetable, key=lambda entry: entry.name):
        kit_tasks.find(entry.task)
        session.send(_KEEP, (entry.name, entry.task, entry.every_seconds, now))
    session.send(_DROP_OTHERS, ([entry.name for entry in timetable],))


def stage_next_due(session: Session, now: datetime) -> str | None:
    """Stage the task of the entry that has been due longest, and move the entry to its next period.

    One task is staged however many periods were missed, and none while the previous one is pending.
    Return the entry's name; None if nothing is due or another scheduler has locked the entry.
    """
    row = session.row(_DUE, (now,))
    if row is None:
        return None
    name, task, still_pending = row
    if not still_pending:
        session.send(_STAGED, (now, service.stage(session, task, {}), name))
    session.send(_ADVANCE, {"now": now, "name": name})
    return str(name)
