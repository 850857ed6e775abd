"""Waiting for the transactions of other tests on the same database server."""

from time import sleep

from app.kit.db import Database


def wait_for_running_transactions(database: Database) -> None:
    """Wait until every transaction that runs now has ended, or five seconds have passed."""
    with database.reading() as session:
        [(running,)] = session.rows("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        passed = "SELECT FROM pg_current_snapshot() s WHERE pg_snapshot_xmin(s) >= %s::text::xid8"
        for _ in range(100):
            if session.rows(passed, (running,)):
                return
            sleep(0.05)
