"""A run of storage fees whose worker is killed in the middle of it: each customer pays once."""

from datetime import UTC, date, datetime

from app.kit.db import Database
from app.kit.tasks import Queue
from app.storage_fees import charging
from app.storage_fees.rules import ChargeStatus
from tests.faults.conftest import JobBench, WorkerProcesses, wait_until
from tests.people import People
from tests.storage_fees.customers import Vault, accept_price, days_of
from tests.vault.goods import postings_of

#: Other tests with the same database accept prices at the beginning of months.
MONTH = date(2021, 3, 1)
#: A worker that waits for the row of a charge.
_WAITING = """
SELECT FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND query LIKE '%FROM storage_charges%FOR UPDATE%'
    AND datname = current_database()
"""
_MESSAGES = """
SELECT count(*) FROM outbox WHERE task = 'messages.deliver' AND args ->> 'event_key' LIKE %s
"""


def test_killed_run_of_charges_loses_and_doubles_nothing(
    job_bench: JobBench, worker_processes: WorkerProcesses, people: People
) -> None:
    database: Database = job_bench.database
    vault = Vault(database, people)
    customers = [vault.customer(USD="50.00") for _ in range(4)]
    with database.transaction() as session:
        accept_price(session, "AU", datetime(2021, 3, 1, 12, tzinfo=UTC), "4000")
    for customer in customers:
        vault.move(customer, datetime(2021, 2, 2, tzinfo=UTC), "XAU-s", "101")
    vault.accrue(days_of(MONTH, 3))
    vault.close(MONTH)
    charges = [charge for customer in customers for charge in vault.charges(customer)]

    def count(status: ChargeStatus) -> int:
        now = [charge.status for customer in customers for charge in vault.charges(customer)]
        return now.count(status)

    def is_waiting() -> bool:
        with database.reading() as session:
            return bool(session.rows(_WAITING))

    with database.transaction() as session:
        charging.stage_due(session)
    worker_processes.start("relay")
    with database.transaction() as session:
        held = charges[2].id
        session.rows("SELECT FROM storage_charges WHERE id = %s FOR UPDATE", (held,))
        worker = worker_processes.start("work", Queue.NIGHTLY)
        wait_until(is_waiting)
        worker.kill()
        worker.join()
        assert count(ChargeStatus.DUE) > 0

    worker_processes.start("work", Queue.NIGHTLY)
    wait_until(lambda: count(ChargeStatus.CHARGED) == len(customers))
    for customer, charge in zip(customers, charges, strict=True):
        # 400,000 x 0.12 % x 3/365.
        assert people.balances(customer)["USD"] == "46.05"
        assert postings_of(database, charge.public_id)["storage_fees.au", "USD"] == "-3.95"
        with database.reading() as session:
            assert session.value(_MESSAGES, (f"%{charge.public_id}",)) == 1
