"""What happens again and again, and the process that stages it. Two may run; each stages once."""

from app.kit import clock
from app.kit.db import Database
from app.outbox import timetable
from app.outbox.timetable import Periodic

TIMETABLE = (
    Periodic("roll-up", "ledger.roll_up", every_seconds=2),
    Periodic("seal-audit", "audit.seal", every_seconds=2),
    Periodic("anchor-audit", "audit.anchor", every_seconds=5),
    Periodic("poll-payments", "funding.poll", every_seconds=10),
    Periodic("expire-holds", "ledger.expire_holds", every_seconds=10),
    Periodic("record-exposure", "hedging.record_exposure", every_seconds=30),
    Periodic("forget-rate-counts", "throttle.forget_ended", every_seconds=300),
    Periodic("expire-approvals", "approvals.expire_old", every_seconds=300),
    Periodic("expire-archives", "privacy.expire_archives", every_seconds=300),
    Periodic("poll-verifications", "kyc.poll", every_seconds=60),
    Periodic("screen-waiting", "kyc.screen_waiting", every_seconds=300),
    Periodic("prune-outbox", "outbox.prune_done", every_seconds=600),
    Periodic("expire-verifications", "kyc.expire", every_seconds=3600),
    Periodic("forget-evidence", "kyc.forget_kept", every_seconds=86_400),
    Periodic("reconcile", "reporting.reconcile", every_seconds=86_400),
    Periodic("forget-sessions", "identity.forget_expired", every_seconds=3600),
    Periodic("forget-mails", "messages.forget_mails", every_seconds=3600),
    Periodic("forget-texts", "messages.forget_texts", every_seconds=3600),
    Periodic("check-texts", "messages.check_texts", every_seconds=900),
    Periodic("forget-keys", "idempotency.forget_old", every_seconds=3600),
    Periodic("forget-provider-talk", "providers.forget_old", every_seconds=3600),
    Periodic("forget-quotes", "trading.forget_quotes", every_seconds=3600),
)

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
