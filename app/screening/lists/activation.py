"""Making an imported version current: once the processes that screen have indexed it.

Each such process indexes what is new in the background and says so. Until a version is current,
they all use the one before; a process that is late builds it outside its transactions.
"""

import threading
import time
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from app.kit import clock, ids
from app.kit.db import Database, Session
from app.outbox import service as outbox
from app.screening.decisions import subjects
from app.screening.lists import index
from app.screening.models import SanctionsList, ScreeningProcess

log = structlog.get_logger()

#: How often a process looks for a new version, and how often it says that it is there.
_LOOK_SECONDS, _SEEN_SECONDS = 2.0, 6.0
#: A process that was not seen for so long has ended.
_ABSENT = timedelta(seconds=15)
#: How long a version waits for processes that are late.
_PATIENCE_SECONDS = 20.0
_CHECK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _Made:
    version: int


@dataclass(frozen=True, slots=True)
class _Late:
    late: int


def activate(database: Database, version: int) -> None:
    """Index a version in this process, wait for the others that screen, and make it current."""
    index.prepare(database)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while late := _count_late(database, version):
        if time.monotonic() > deadline:
            log.warning("sanctions_list_not_ready", version=version, processes=late)
            break
        time.sleep(_CHECK_SECONDS)
    with database.transaction() as session:
        make_current(session, version)


def make_current(session: Session, version: int) -> None:
    """Let screenings use a version from the commit on, and stage screening everyone again.

    Nothing happens if it is current, or a newer one is.
    """
    newest_current = (
        sa.select(sa.func.coalesce(sa.func.max(SanctionsList.version), 0))
        .where(SanctionsList.current_at.is_not(None))
        .scalar_subquery()
    )
    made = session.select(
        _Made,
        sa.update(SanctionsList)
        .where(SanctionsList.version == version, SanctionsList.version > newest_current)
        .values(current_at=clock.now())
        .returning(SanctionsList.version),
    )
    for source in subjects.source_names() if made else ():
        args = {"version": version, "source": source, "after": None}
        outbox.stage(session, "screening.rescreen", args)


class ListPreparation:
    """Keeps the current list and the newest one indexed in this process, and says so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._process = ids.new()
        self._reported = -1
        self._reported_at = 0.0

    def run_in_background(self) -> None:
        """Look for new versions in a thread of its own, as long as the process runs."""
        threading.Thread(target=self._run, name="sanctions-list", daemon=True).start()

    def step(self) -> None:
        """Index what is new, and report it."""
        ready = index.prepare(self._database)
        if ready != self._reported or time.monotonic() > self._reported_at + _SEEN_SECONDS:
            self._report(ready)
            self._reported, self._reported_at = ready, time.monotonic()

    def _run(self) -> None:
        while True:
            try:
                self.step()
            except Exception:  # logged, and tried again by the next step
                # Until then a screening indexes the list, or fails.
                log.exception("sanctions_list_not_prepared")
            time.sleep(_LOOK_SECONDS)

    def _report(self, version: int) -> None:
        values = {"ready_version": version, "seen_at": clock.now()}
        absent = clock.now() - _ABSENT
        with self._database.transaction() as session:
            session.write(sa.delete(ScreeningProcess).where(ScreeningProcess.seen_at < absent))
            session.write(
                insert(ScreeningProcess)
                .values(id=self._process, **values)
                .on_conflict_do_update(index_elements=[ScreeningProcess.id], set_=values)
            )


def _count_late(database: Database, version: int) -> int:
    """Return how many running processes have not indexed the version."""
    late = sa.select(sa.func.count().label("late")).where(
        ScreeningProcess.ready_version < version,
        ScreeningProcess.seen_at > clock.now() - _ABSENT,
    )
    with database.reading() as session:
        return session.get(_Late, late).late
