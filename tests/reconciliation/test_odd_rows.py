"""A row that cannot be read becomes one case, and the rest of its list is compared."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit import clock, ids
from app.kit.db import Database
from app.reconciliation.queries import ReconciliationRun, latest_runs
from app.reconciliation.service import compare_source
from tests.provider_sandbox import Sandbox

NOW = clock.rfc3339(clock.now())
INTENT = {
    "status": "succeeded", "amount": 500, "amount_received": 500, "currency": "usd",
    "latest_charge": None, "metadata": {}, "client_secret": "x",
}  # fmt: skip
DISPUTE = {
    "status": "needs_response", "amount": 500, "currency": "usd", "payment_intent": "pi_none",
    "balance_transactions": [],
}  # fmt: skip
BANK_ARRIVAL = {
    "account_id": "acc_none", "amount": "5.00", "currency": "USD", "arrived_at": NOW,
    "returned_at": None,
}  # fmt: skip
BANK_PAYOUT = {
    "reference": "by hand", "status": "settled", "amount": "5.00", "currency": "USD", "fee": None,
    "code": None, "trace": None,
}  # fmt: skip
PAXOS = {
    "type": "CRYPTO_DEPOSIT", "asset": "PAXG", "amount": "0.5", "fee": "0", "status": "COMPLETED",
    "destination_address": "0xnone", "created_at": NOW,
}  # fmt: skip
ANCHORAGE_IN = {
    "assetType": "PAXG", "amount": {"quantity": "0.5"}, "status": "SUCCESS", "dateTime": NOW,
    "destinationAddresses": ["0xnone"],
}  # fmt: skip
ANCHORAGE_OUT = {
    "assetType": "PAXG", "amount": {"quantity": "0.5"}, "status": "COMPLETED", "createdAt": NOW,
    "destination": {"id": "0xelsewhere"},
}  # fmt: skip
PRIMETRUST = {
    "asset-id": "PAXG", "unit-count": "0.5", "fee": "0", "transfer-direction": "incoming",
    "status": "settled", "wallet-address": "0xnone", "created-at": NOW,
}  # fmt: skip
MPESA = {"billreference": "my gift", "amount": "650.0", "msisdn": "254712345678"}


def primetrust(row: dict[str, Any]) -> dict[str, Any]:
    return {"attributes": row}


#: Operation, source, the name of the id, a row that can be read, and an odd one.
ODD_ROWS: dict[str, tuple[str, str, str, str, Any, Any]] = {
    "card payment in euros": (
        "stripe", "payments.list", "stripe payments", "id", INTENT, INTENT | {"currency": "eur"},
    ),
    "card payment in an unknown state": (
        "stripe", "payments.list", "stripe payments", "id", INTENT, INTENT | {"status": "new"},
    ),
    "dispute in an unknown state": (
        "stripe", "disputes.list", "stripe disputes", "id", DISPUTE, DISPUTE | {"status": "new"},
    ),
    "bank transfer in euros": (
        "bank", "arrivals.list", "bank arrivals", "id", BANK_ARRIVAL,
        BANK_ARRIVAL | {"currency": "EUR"},
    ),
    "bank transfer that is no object": (
        "bank", "arrivals.list", "bank arrivals", "id", BANK_ARRIVAL, "a line of text",
    ),
    "bank payout in an unknown state": (
        "bank", "payouts.list", "bank payouts", "id", BANK_PAYOUT, BANK_PAYOUT | {"status": "held"},
    ),
    "mobile payment of half a shilling": (
        "daraja", "payments.list", "daraja payments", "transactionId", MPESA,
        MPESA | {"amount": "650.50"},
    ),
    "Paxos transfer on hold": (
        "paxos", "transfers.list", "paxos arrivals", "id", PAXOS, PAXOS | {"status": "ON_HOLD"},
    ),
    "Paxos transfer of dollars": (
        "paxos", "transfers.list", "paxos arrivals", "id", PAXOS, PAXOS | {"asset": "USD"},
    ),
    "Paxos balance without an asset": ("paxos", "balances.list", "paxos balances", "x", None, {}),
    "Anchorage transaction without an amount": (
        "anchorage", "transactions.list", "anchorage arrivals", "id", ANCHORAGE_IN,
        ANCHORAGE_IN | {"amount": None},
    ),
    "Anchorage transfer in an unknown state": (
        "anchorage", "transfers.list", "custody payouts", "transferId", ANCHORAGE_OUT,
        ANCHORAGE_OUT | {"status": "PAUSED"},
    ),
    "Prime Trust transfer that is held": (
        "primetrust", "transfers.list", "primetrust arrivals", "id", PRIMETRUST,
        PRIMETRUST | {"status": "held"},
    ),
}  # fmt: skip


def compare(database: Database, source: str) -> ReconciliationRun:
    compare_source(database, source, clock.now() - timedelta(days=1))
    with database.reading() as session:
        [run] = [run for run in latest_runs(session) if run.source == source]
    return run


def cases_about(database: Database, text: str) -> list[tuple[str, str]]:
    with database.reading() as session:
        return session.rows(
            "SELECT kind, state FROM cases WHERE key LIKE '%%' || %s ORDER BY id", (text,)
        )


@pytest.mark.parametrize("name", ODD_ROWS)
def test_odd_row_is_one_case_and_the_rest_is_compared(
    database: Database, sandbox: Sandbox, name: str
) -> None:
    provider, operation, source, id_name, readable, odd = ODD_ROWS[name]
    compare(database, source)  # heals what other tests left
    before = compare(database, source)
    odd_id, readable_id = f"odd-{ids.new()}", f"fine-{ids.new()}"
    wrap = primetrust if provider == "primetrust" else dict
    has_id = isinstance(odd, dict) and id_name != "x"
    row = {id_name: odd_id, **wrap(odd)} if has_id else odd
    if operation == "disputes.list":
        # Disputes are fetched one by one.
        fine = {**readable, "id": readable_id, "created": int(clock.now().timestamp())}
        sandbox.store.put("stripe", "dispute", readable_id, fine)
    elif readable:
        sandbox.add_odd_row(provider, operation, {id_name: readable_id, **wrap(readable)})
    sandbox.add_odd_row(provider, operation, row)
    with database.reading() as session:
        known = session.value("SELECT count(*) FROM cases WHERE kind LIKE 'provider.row'")
    runs = [compare(database, source) for _ in range(2)]
    sandbox.store.delete("stripe", "dispute", readable_id)
    expected = before.compared + 1 + bool(readable)
    assert [(run.compared, run.failure) for run in runs] == [(expected, before.failure)] * 2
    assert all(run.differences > before.differences for run in runs)
    if has_id:
        [(kind, state)] = cases_about(database, odd_id)
        assert (kind, state) in {("provider.row", "open"), ("custody.unsupported", "open")}
    else:
        with database.reading() as session:
            now = session.value("SELECT count(*) FROM cases WHERE kind LIKE 'provider.row'")
        assert now == known + 1
    # A readable row is no such case.
    assert "provider.row" not in {kind for kind, _ in cases_about(database, readable_id)}


def test_odd_row_is_on_one_page_of_a_list_of_many(database: Database, sandbox: Sandbox) -> None:
    compare(database, "bank arrivals")
    before = compare(database, "bank arrivals")
    arrivals = [f"many-{number}" for number in range(101)]
    for arrival in arrivals:
        sandbox.store.put("bank", "arrival", arrival, {**BANK_ARRIVAL, "id": arrival})
    sandbox.add_odd_row("bank", "arrivals.list", "a line of text")
    run = compare(database, "bank arrivals")
    for arrival in arrivals:
        sandbox.store.delete("bank", "arrival", arrival)
    assert run.compared == before.compared + len(arrivals) + 1
