"""What happens again and again, and the process that stages it. Two may run; each stages once."""

from app.kit import clock
from app.kit.db import Database
from app.outbox import timetable
from app.outbox.timetable import Periodic

TIMETABLE = (Periodic("prune-outbox", "outbox.prune_done", every_seconds=600),)

_IDLE_SECONDS = 0.5


class Timetable:
    """Keeps the table equal to the list, and stages what is due."""

    def __init__(self, database: Database, entries: tuple[Periodic, ...] = TIMETABLE) -> None:
        self._database = database
        self._entries = entries
        self._kept = False

    def step(self) -> float:
        """Stage the entry that has been due longest; answers the seconds to rest.

        Raises `Unavailable` when the database is away.
        """
        with self._database.transaction() as session:
            if not self._kept:
                timetable.keep(session, self._entries, clock.now())
            staged = timetable.stage_next_due(session, clock.now())
        self._kept = True
        return 0 if staged else _IDLE_SECONDS
