"""The timetable of periodic tasks, and the scheduler that stages them.

Several schedulers may run; each period is staged once.
"""

from app.kit import clock
from app.kit.db import Database
from app.outbox import periodic_jobs
from app.outbox.periodic_jobs import PeriodicTask

TIMETABLE = (
    PeriodicTask("roll-up", "ledger.roll_up", every_seconds=2),
    PeriodicTask("seal-audit", "audit.seal", every_seconds=2),
    PeriodicTask("anchor-audit", "audit.anchor", every_seconds=5),
    PeriodicTask("poll-payments", "funding.poll", every_seconds=10),
    PeriodicTask("expire-holds", "ledger.expire_holds", every_seconds=10),
    PeriodicTask("number-documents", "documents.number_waiting", every_seconds=5),
    PeriodicTask("expire-price-locks", "shop.expire_locks", every_seconds=30),
    PeriodicTask("poll-orders", "shop.poll_orders", every_seconds=15),
    PeriodicTask("poll-shipments", "shop.poll_shipments", every_seconds=10),
    PeriodicTask("record-exposure", "hedging.record_exposure", every_seconds=30),
    PeriodicTask("follow-sends", "custody.follow_sends", every_seconds=30),
    PeriodicTask("poll-custodians", "custody.poll", every_seconds=60),
    PeriodicTask("forget-rate-counts", "throttle.forget_ended", every_seconds=300),
    PeriodicTask("record-denials", "audit.record_repeated_denials", every_seconds=300),
    PeriodicTask("expire-approvals", "approvals.expire_old", every_seconds=300),
    PeriodicTask("expire-archives", "privacy.expire_archives", every_seconds=300),
    PeriodicTask("expire-list-exports", "lists.expire_exports", every_seconds=300),
    PeriodicTask("expire-imports", "imports.expire", every_seconds=3600),
    PeriodicTask("delete-expired-files", "keys.delete_expired_files", every_seconds=300),
    PeriodicTask("poll-partners", "fulfillment.poll_partners", every_seconds=10),
    PeriodicTask("poll-tracking", "fulfillment.poll_tracking", every_seconds=5),
    PeriodicTask("poll-purchases", "fulfillment.poll_purchases", every_seconds=5),
    PeriodicTask("restock", "fulfillment.run_restock", every_seconds=3600),
    PeriodicTask("poll-verifications", "kyc.poll", every_seconds=60),
    PeriodicTask("follow-alerts", "vault.follow_alerts", every_seconds=60),
    PeriodicTask("check-stock", "vault.check_levels", every_seconds=6 * 3600),
    PeriodicTask("screen-waiting", "kyc.screen_waiting", every_seconds=300),
    PeriodicTask("prune-outbox", "outbox.prune_done", every_seconds=600),
    PeriodicTask("expire-verifications", "kyc.expire", every_seconds=3600),
    PeriodicTask("forget-evidence", "kyc.forget_kept", every_seconds=86_400),
    PeriodicTask("warn-of-licences", "branches.warn_of_licences", every_seconds=86_400),
    PeriodicTask("reconcile", "reporting.reconcile", every_seconds=86_400),
    PeriodicTask("erase-lapsed", "privacy.erase_lapsed", every_seconds=3600),
    PeriodicTask("forget-sessions", "identity.forget_expired", every_seconds=3600),
    PeriodicTask("forget-mails", "messages.forget_mails", every_seconds=3600),
    PeriodicTask("forget-texts", "messages.forget_texts", every_seconds=3600),
    PeriodicTask("check-texts", "messages.check_texts", every_seconds=900),
    PeriodicTask("forget-keys", "idempotency.forget_old", every_seconds=3600),
    PeriodicTask("forget-provider-talk", "providers.forget_old", every_seconds=3600),
    PeriodicTask("forget-tracking", "fulfillment.forget_old", every_seconds=3600),
    PeriodicTask("forget-carts", "shop.forget_carts", every_seconds=3600),
    PeriodicTask("forget-price-changes", "shop.forget_price_changes", every_seconds=86_400),
    PeriodicTask("count-sales", "shop.count_sales", every_seconds=86_400),
    PeriodicTask("refresh-terms", "shop.refresh_terms", every_seconds=3_600),
    PeriodicTask("forget-redemption-quotes", "redemption.forget_quotes", every_seconds=3600),
    PeriodicTask("forget-quotes", "trading.forget_quotes", every_seconds=3600),
    PeriodicTask("accrue-storage-fees", "storage_fees.catch_up", every_seconds=900),
    PeriodicTask("charge-storage-fees", "storage_fees.stage_charges", every_seconds=60),
)

_IDLE_SECONDS = 0.5


class Scheduler:
    """Keeps the table equal to the list, and stages due tasks."""

    def __init__(self, database: Database, entries: tuple[PeriodicTask, ...] = TIMETABLE) -> None:
        self._database = database
        self._entries = entries
        self._synchronized = False

    def step(self) -> float:
        """Stage the entry that has been due longest; return the seconds to rest.

        Raises `Unavailable` if the database is unavailable.
        """
        with self._database.transaction() as session:
            if not self._synchronized:
                periodic_jobs.synchronize(session, self._entries, clock.now())
            staged = periodic_jobs.stage_next_due(session, clock.now())
        self._synchronized = True
        return 0 if staged else _IDLE_SECONDS
