"""`flask books verify` finds each invariant broken once, past every guard."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from flask import Flask

from app.catalog.rules import USD
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.verification import INVARIANTS
from app.reconciliation.invariants import INVARIANTS as EVERY_INVARIANT
from tests.broken_books import break_books, verified
from tests.people import People
from tests.superuser import require_superuser

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def books(unguarded_app: Flask) -> Flask:
    """Return the application on a database of its own, which may be broken."""
    require_superuser()
    fill_books(unguarded_app.extensions["database"])
    return unguarded_app


def fill_books(database: Database) -> None:
    """Fill the books: 100.00 dollars paid in; 30.00 held, of which 20.00 were posted; 5.00 still
    held; an entry and its reversal; all rolled up."""
    account = chart.customer(People(database).customer(USD="100.00").user_id, USD)
    holds = [uuid4(), uuid4()]
    with database.transaction() as session:
        for hold_id, units in zip(holds, (3000, 500), strict=True):
            ledger.place_hold(
                session,
                hold_id=hold_id,
                account=account,
                amount=Amount(USD, units),
                cause="test",
                placed_at=NOW,
                expires_at=NOW + timedelta(hours=1),
            )
        posted, _ = holds
        for reference, hold_ids in (("posts a hold", [posted]), ("reversed", [])):
            ledger.post(
                session,
                cause="test",
                reference=reference,
                posted_at=NOW,
                postings=[
                    ledger.debit(account, Amount(USD, 2000)),
                    ledger.credit(chart.fees(USD), Amount(USD, 2000)),
                ],
                hold_ids=hold_ids,
            )
        ledger.reverse(
            session, reference="reversal", reverses="reversed", cause="test", posted_at=NOW
        )
    # Transactions of other tests on the same server may hold the watermark back for a moment.
    entries_not_rolled_up = (
        "SELECT count(*) FROM entries e, rollup_watermark w WHERE e.xid >= w.xid"
    )
    for _ in range(3000):
        with database.transaction() as session:
            ledger.roll_up(session)
        with database.reading() as session:
            if session.rows(entries_not_rolled_up) == [(0,)]:
                return
        time.sleep(0.01)
    pytest.fail("a transaction of another test never ends")


def test_correct_books_pass(books: Flask) -> None:
    result = verified(books)
    assert (result.exit_code, result.stdout) == (
        0,
        f"The books are correct: {len(EVERY_INVARIANT)} invariants, 4 entries, 8 postings.\n",
    )


_ENTRY = "(SELECT id FROM entries WHERE reference = '{}')"
_FEES = "(SELECT id FROM accounts WHERE class = 'fees')"
_CUSTOMER = "(SELECT id FROM accounts WHERE class = 'customer.funding')"
REVERSED, REVERSAL, HOLDING = (
    _ENTRY.format(reference) for reference in ("reversed", "reversal", "posts a hold")
)
#: Each invariant's name with statements that break it; they may break others too.
BREAKS = {
    "an entry sums to zero in each asset": [
        f"UPDATE postings SET units = units - 1 WHERE entry_id = {REVERSED} AND units < 0",
    ],
    "an entry has at least two postings": [
        "INSERT INTO entries (cause, reference, posted_at) VALUES ('test', 'empty', now())",
    ],
    "a posting belongs to an entry and an account": [
        f"INSERT INTO postings VALUES (4711, {_FEES}, 1), (4711, 4712, -1)",
    ],
    "a guarded balance is the sum of its postings": [
        "UPDATE balances SET posted = posted + 1",
    ],
    "held is the sum of pending holds": ["UPDATE balances SET held = held + 1"],
    "a guarded balance covers what is held, and neither is negative": [
        "ALTER TABLE balances DROP CONSTRAINT available_not_negative",
        "UPDATE balances SET posted = -1",
    ],
    "what a customer owes is the sum of the postings of their receivable": [
        "ALTER TABLE balances DROP CONSTRAINT available_not_negative",
        f"UPDATE balances SET owed = 1 WHERE account_id = {_CUSTOMER}",
    ],
    "nothing is free on an account while its owner owes": [
        "ALTER TABLE balances DROP CONSTRAINT available_not_negative",
        f"UPDATE balances SET owed = 1 WHERE account_id = {_CUSTOMER}",
    ],
    "a roll-up is the sum of the postings below the watermark": [
        f"UPDATE rollups SET units = units + 1 WHERE account_id = {_FEES}",
    ],
    "a daily total is the sum of the postings below the watermark": [
        "UPDATE daily_totals SET units = units + 1 WHERE class = 'fees'",
    ],
    "a posted hold took from its account no more than was held": [
        "UPDATE holds SET units = 1999 WHERE status = 'posted'",
    ],
    "a reversal mirrors the entry it reverses": [
        f"UPDATE entries SET reverses_id = {HOLDING} WHERE id = {REVERSAL}",
        f"UPDATE postings SET units = 2 * units WHERE entry_id = {HOLDING}",
    ],
    "an account agrees with its class": [
        f"UPDATE accounts SET normal = 1 WHERE id = {_FEES}",
    ],
}


def test_every_invariant_is_broken_once() -> None:
    assert list(BREAKS) == [invariant.name for invariant in INVARIANTS]


@pytest.mark.parametrize("name", BREAKS)
def test_broken_invariant_is_reported_by_name(books: Flask, name: str) -> None:
    break_books(books, *BREAKS[name])
    result = verified(books)
    assert result.exit_code == 1
    named = [line for line in result.stderr.splitlines() if line.startswith(f"{name}: ")]
    assert named, result.stderr
    assert "The books are not correct" in result.stderr


@pytest.mark.parametrize(
    ("statements", "names"),
    [
        pytest.param(
            [f"DELETE FROM postings WHERE entry_id = {REVERSAL}"],
            {
                "an entry has at least two postings",
                "a guarded balance is the sum of its postings",
                "a roll-up is the sum of the postings below the watermark",
                "a daily total is the sum of the postings below the watermark",
                "a reversal mirrors the entry it reverses",
            },
            id="the postings of an entry deleted",
        ),
        pytest.param(
            [
                f"DELETE FROM postings WHERE entry_id IN ({REVERSED}, {REVERSAL})",
                "DELETE FROM entries WHERE reference IN ('reversed', 'reversal')",
                f"UPDATE postings SET units = units / 2 WHERE entry_id = {HOLDING}",
            ],
            {
                "a guarded balance is the sum of its postings",
                "a roll-up is the sum of the postings below the watermark",
                "a daily total is the sum of the postings below the watermark",
            },
            id="an entry halved on both sides",
        ),
        pytest.param(
            [
                "UPDATE balances SET posted = posted + 100",
                (
                    f"UPDATE postings SET units = units - 100 WHERE entry_id = {HOLDING}"
                    f" AND account_id = {_CUSTOMER}"
                ),
            ],
            {
                "an entry sums to zero in each asset",
                "a daily total is the sum of the postings below the watermark",
            },
            id="money made out of nothing, balance and posting alike",
        ),
        pytest.param(
            ["UPDATE holds SET status = 'voided', settled_at = now() WHERE status = 'pending'"],
            {"held is the sum of pending holds"},
            id="a hold voided without releasing it",
        ),
        pytest.param(
            ["DELETE FROM balances"],
            {"a guarded balance is the sum of its postings"},
            id="a balance lost",
        ),
        pytest.param(
            ["UPDATE rollup_watermark SET xid = '0'"],
            {
                "a roll-up is the sum of the postings below the watermark",
                "a daily total is the sum of the postings below the watermark",
            },
            id="the watermark set back",
        ),
        pytest.param(
            [f"UPDATE holds SET entry_id = {REVERSAL} WHERE status = 'posted'"],
            {"a posted hold took from its account no more than was held"},
            id="a hold posted by another entry",
        ),
    ],
)
def test_tampering_is_detected(books: Flask, statements: list[str], names: set[str]) -> None:
    break_books(books, *statements)
    result = verified(books)
    assert result.exit_code == 1
    reported = {line.partition(": ")[0] for line in result.stderr.splitlines()}
    assert reported - {"Error"} == names
