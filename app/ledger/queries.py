"""Named reads of the books.

A guarded account's balance is stored in its row. A house account's balance is its roll-up plus what
came since the watermark, read in one statement and therefore one snapshot. Balances are in the
account's normal direction: 100 dollars that we owe a customer are 100, not -100.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from app.kit import clock
from app.kit.db import Session
from app.ledger.chart import AccountKey

_BALANCES_OF = """
SELECT a.class, a.asset, b.posted, b.held
FROM accounts a JOIN balances b ON b.account_id = a.id
WHERE a.owner_id = %s
"""
_ACCOUNT_BALANCES = """
WITH since AS (
    SELECT p.account_id, sum(p.units) AS units
    FROM entries e JOIN postings p ON p.entry_id = e.id
    WHERE e.xid >= (SELECT xid FROM rollup_watermark)
    GROUP BY p.account_id
)
SELECT c.kind, a.class, a.owner_id, a.asset, a.normal,
       CASE WHEN a.guarded THEN a.normal * b.posted
            ELSE coalesce(r.units, 0) + coalesce(s.units, 0) END AS units
FROM accounts a
JOIN account_classes c ON c.code = a.class
LEFT JOIN balances b ON b.account_id = a.id
LEFT JOIN rollups r ON r.account_id = a.id
LEFT JOIN since s ON s.account_id = a.id AND NOT a.guarded
"""
_EVERY_ACCOUNT = f"""
SELECT kind, class, owner_id, asset, units FROM ({_ACCOUNT_BALANCES}) AS account
ORDER BY kind, class, owner_id, asset
"""  # noqa: S608 - both parts are constants
_TRIAL_BALANCE = f"""
SELECT kind, class, asset, sum(normal * units), count(*) FROM ({_ACCOUNT_BALANCES}) AS account
GROUP BY kind, class, asset
ORDER BY kind, class, asset
"""  # noqa: S608 - both parts are constants
_TRIAL_BALANCE_AT = """
SELECT c.kind, a.class, a.asset, sum(a.normal * p.units), count(DISTINCT a.id)
FROM entries e
JOIN postings p ON p.entry_id = e.id
JOIN accounts a ON a.id = p.account_id
JOIN account_classes c ON c.code = a.class
WHERE e.posted_at <= %s
GROUP BY c.kind, a.class, a.asset
ORDER BY c.kind, a.class, a.asset
"""
# The classes are written out so that the planner uses the partial index.
_HOUSE_BALANCES = """
WITH since AS (
    SELECT p.account_id, sum(p.units) AS units
    FROM entries e JOIN postings p ON p.entry_id = e.id
    WHERE e.xid >= (SELECT xid FROM rollup_watermark)
    GROUP BY p.account_id
)
SELECT a.class, a.asset,
       sum(CASE WHEN a.guarded THEN a.normal * b.posted
                ELSE coalesce(r.units, 0) + coalesce(s.units, 0) END)
FROM accounts a
LEFT JOIN balances b ON b.account_id = a.id
LEFT JOIN rollups r ON r.account_id = a.id
LEFT JOIN since s ON s.account_id = a.id
WHERE a.class NOT IN ('customer.funding', 'customer.trading')
GROUP BY a.class, a.asset
"""
_UNITS_OF_ACCOUNTS = """
CASE WHEN a.guarded THEN b.posted ELSE a.normal * (coalesce(r.units, 0) + coalesce((
    SELECT sum(p.units) FROM postings p JOIN entries e ON e.id = p.entry_id
    WHERE p.account_id = a.id AND e.xid >= (SELECT xid FROM rollup_watermark)
), 0)) END
FROM accounts a
LEFT JOIN balances b ON b.account_id = a.id
LEFT JOIN rollups r ON r.account_id = a.id
"""
_BALANCE = f"""
SELECT {_UNITS_OF_ACCOUNTS} WHERE a.asset = %s AND a.class = %s AND a.owner_id = %s
"""
_OWED = """
SELECT a.asset, b.owed FROM accounts a JOIN balances b ON b.account_id = a.id
WHERE a.owner_id = %s AND b.owed <> 0
ORDER BY a.asset
"""
_BALANCE_AT = """
SELECT coalesce(sum(a.normal * p.units), 0)
FROM accounts a
JOIN postings p ON p.account_id = a.id
JOIN entries e ON e.id = p.entry_id
WHERE a.asset = %s AND a.class = %s AND a.owner_id = %s AND e.posted_at <= %s
"""
_CAUSE = "SELECT cause FROM entries WHERE reference = %s"
_UNITS_BY_REFERENCE = """
SELECT e.reference, sum(a.normal * p.units)
FROM entries e
JOIN postings p ON p.entry_id = e.id
JOIN accounts a ON a.id = p.account_id
WHERE e.reference = ANY (%s) AND a.asset = %s AND a.class = %s AND a.owner_id = %s
GROUP BY e.reference
"""
_JOURNAL = """
SELECT e.id, e.cause, e.reference, e.posted_at, c.kind, a.class, a.owner_id, a.asset, p.units
FROM entries e
JOIN postings p ON p.entry_id = e.id
JOIN accounts a ON a.id = p.account_id
JOIN account_classes c ON c.code = a.class
WHERE e.id > %s AND e.id <= %s
ORDER BY e.id, a.asset COLLATE "C", a.class COLLATE "C", a.owner_id
"""
_JOURNAL_STEP = 10_000


class CustomerBalance(NamedTuple):
    """A customer's balance of one asset in minor units. Available is posted less held."""

    account_class: str
    asset: str
    posted: int
    held: int


class TrialBalanceLine(NamedTuple):
    """The sum of all accounts of a class in an asset, in the class's normal direction."""

    kind: str
    account_class: str
    asset: str
    units: int
    accounts: int


class HouseBalance(NamedTuple):
    """The sum of all accounts of a class that is not a customer's own, in an asset: debit
    positive."""

    account_class: str
    asset: str
    units: int


class JournalPosting(NamedTuple):
    """One posting with its entry: debit positive."""

    entry_id: int
    cause: str
    reference: str
    posted_at: datetime
    kind: str
    account_class: str
    owner_id: UUID
    asset: str
    units: int


class AccountBalance(NamedTuple):
    """The balance of one account: debit positive, whatever its normal direction."""

    kind: str
    account_class: str
    owner_id: UUID
    asset: str
    units: int


def customer_balances(session: Session, owner_id: UUID) -> list[CustomerBalance]:
    """Return the guarded balances of one owner; accounts never posted to are absent."""
    return [CustomerBalance(*row) for row in session.rows(_BALANCES_OF, (owner_id,))]


def trial_balance(session: Session, at: datetime | None = None) -> list[TrialBalanceLine]:
    """Return the sum of each class and asset: now, from balances and roll-ups; or at a past
    instant, from the postings."""
    rows = session.rows(_TRIAL_BALANCE_AT, (at,)) if at else session.rows(_TRIAL_BALANCE)
    return [
        TrialBalanceLine(kind, account_class, asset, int(units), accounts)
        for kind, account_class, asset, units, accounts in rows
    ]


def house_balances(session: Session) -> list[HouseBalance]:
    """Return the balances of the accounts that are not customers' own, read in one statement.

    Entries sum to zero in each asset, so in each asset these sum to what customers own. The cost
    does not grow with the number of customers.
    """
    return [
        HouseBalance(account_class, asset, int(units))
        for account_class, asset, units in session.rows(_HOUSE_BALANCES)
    ]


def account_balance(session: Session, account: AccountKey) -> int:
    """Return an account's minor units now, in its normal direction; 0 if it was never posted to."""
    code = account.asset.code
    values = (code, account.account_class, account.owner_id)
    return int(session.optional_value(_BALANCE, values) or 0)


def owed_units(session: Session, owner_id: UUID) -> dict[str, int]:
    """Return the minor units that a customer owes us now, by asset; empty if they owe nothing."""
    return dict(session.rows(_OWED, (owner_id,)))


def entry_cause(session: Session, reference: str) -> str | None:
    """Return the cause of the entry with this reference; None if there is none."""
    cause: str | None = session.optional_value(_CAUSE, (reference,))
    return cause


def units_by_reference(
    session: Session, account: AccountKey, references: Sequence[str]
) -> dict[str, int]:
    """Return what each of these entries posted on an account, in its normal direction; an entry
    that does not exist, or has no such posting, is absent."""
    values = (list(references), account.asset.code, account.account_class, account.owner_id)
    return {ref: int(units) for ref, units in session.rows(_UNITS_BY_REFERENCE, values)}


def account_balance_at(session: Session, account: AccountKey, at: datetime) -> int:
    """Return an account's minor units at an instant, in its normal direction, from its postings."""
    values = (account.asset.code, account.account_class, account.owner_id, at)
    return int(session.value(_BALANCE_AT, values))


def account_balances(session: Session) -> list[AccountBalance]:
    """Return every account with its current balance, from balances and roll-ups."""
    return [
        AccountBalance(kind, account_class, owner_id, asset, int(units))
        for kind, account_class, owner_id, asset, units in session.rows(_EVERY_ACCOUNT)
    ]


def journal_dates(session: Session) -> tuple[date, date]:
    """Return the days of the earliest and the latest entry, in UTC; today if there is none."""
    [instants] = session.rows("SELECT min(posted_at), max(posted_at) FROM entries")
    first, last = (clock.now() if instant is None else instant for instant in instants)
    return first.date(), last.date()


def journal_size(session: Session) -> tuple[int, int]:
    """Return the numbers of entries and postings."""
    [(entries, postings)] = session.rows(
        "SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM postings)"
    )
    return int(entries), int(postings)


def journal(session: Session) -> Iterator[JournalPosting]:
    """Yield every posting in the order of entries. Call it in one repeatable-read transaction."""
    last = session.value("SELECT coalesce(max(id), 0) FROM entries")
    for start in range(0, last, _JOURNAL_STEP):
        for row in session.rows(_JOURNAL, (start, start + _JOURNAL_STEP)):
            yield JournalPosting(*row)
