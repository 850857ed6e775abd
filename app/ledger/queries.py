"""Named reads of the books.

A guarded account's balance is stored in its row. A house account's balance is its roll-up plus what
came since the watermark, read in one statement and therefore one snapshot. Balances are in the
account's normal direction: 100 dollars that we owe a customer are 100, not -100.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import TRADABLE
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Asset
from app.kit.pipeline import Statement
from app.ledger.chart import HOUSE, AccountClass, AccountKey
from app.ledger.models import Account, Balance, Entry, Hold

# The planner takes an open range for a third of all entries and would read every posting: the upper
# end makes it use the index.
_IS_SINCE_WATERMARK = (
    "e.xid >= (SELECT xid FROM rollup_watermark) AND e.xid <= '18446744073709551615'"
)
# OFFSET makes it look up the postings of each entry.
_JOIN_POSTINGS = """
CROSS JOIN LATERAL (SELECT account_id, units FROM postings WHERE entry_id = e.id OFFSET 0) p
"""
_POSTINGS_SINCE = f"""(
    SELECT p.account_id, p.units
    FROM entries e {_JOIN_POSTINGS}
    WHERE {_IS_SINCE_WATERMARK}
) AS since_watermark"""  # noqa: S608 - both parts are constants
_BALANCES_OF = """
SELECT a.class, a.asset, b.posted, b.held
FROM accounts a JOIN balances b ON b.account_id = a.id
WHERE a.owner_id = %s AND a.class IN ('customer.funding', 'customer.trading')
"""
_ACCOUNT_BALANCES = f"""
WITH since AS (
    SELECT account_id, sum(units) AS units FROM {_POSTINGS_SINCE} GROUP BY account_id
)
SELECT c.kind, a.class, a.owner_id, a.asset, a.normal,
       CASE WHEN a.guarded THEN a.normal * b.posted
            ELSE coalesce(r.units, 0) + coalesce(s.units, 0) END AS units
FROM accounts a
JOIN account_classes c ON c.code = a.class
LEFT JOIN balances b ON b.account_id = a.id
LEFT JOIN rollups r ON r.account_id = a.id
LEFT JOIN since s ON s.account_id = a.id AND NOT a.guarded
"""  # noqa: S608 - both parts are constants
_EVERY_ACCOUNT = f"""
SELECT kind, class, owner_id, asset, units FROM ({_ACCOUNT_BALANCES}) AS account
ORDER BY kind, class, owner_id, asset
"""  # noqa: S608 - both parts are constants
_TRIAL_BALANCE = f"""
SELECT kind, class, asset, sum(normal * units), count(*) FROM ({_ACCOUNT_BALANCES}) AS account
GROUP BY kind, class, asset
ORDER BY kind, class, asset
"""  # noqa: S608 - both parts are constants
# Whole days from their totals, the day of the instant from its postings, and what no total has yet.
# `IS TRUE` keeps the planner from an index of xid, which would be read from its beginning.
_OWNER = f"CASE WHEN a.class LIKE 'customer.%%' THEN '{HOUSE}' ELSE a.owner_id END"
_POSTED = f"""
SELECT a.class, {_OWNER}, a.asset, p.units
FROM entries e {_JOIN_POSTINGS}
JOIN accounts a ON a.id = p.account_id
WHERE e.posted_at < %(instant)s AND a.asset = ANY (%(assets)s)
"""  # noqa: S608 - both parts are constants
_TOTALS_BEFORE = f"""
SELECT c.kind, c.code, c.name, t.owner, t.asset, sum(t.units)
FROM (
    SELECT class, owner, asset, units FROM daily_totals WHERE day < %(day)s
    UNION ALL
    ({_POSTED} AND e.posted_at >= %(midnight)s
     AND (e.xid < (SELECT xid FROM rollup_watermark)) IS TRUE)
    UNION ALL
    ({_POSTED} AND {_IS_SINCE_WATERMARK})
) AS t (class, owner, asset, units)
JOIN account_classes c ON c.code = t.class
GROUP BY c.kind, c.code, c.name, t.owner, t.asset
HAVING sum(t.units) <> 0
ORDER BY c.kind, c.code, t.owner, t.asset
"""  # noqa: S608 - both parts are constants
_EQUITY_MOVEMENTS = """
SELECT a.owner_id, a.asset, e.posted_at, p.units
FROM accounts a
JOIN account_classes c ON c.code = a.class AND c.kind = 'equity'
JOIN postings p ON p.account_id = a.id
JOIN entries e ON e.id = p.entry_id
WHERE a.class <> ALL (%s) AND a.asset <> ALL (%s) AND e.posted_at < %s
"""
# Goods are left out, or the cost would grow with the number of products.
_HOUSE_BALANCES = f"""
WITH since AS (
    SELECT account_id, sum(units) AS units FROM {_POSTINGS_SINCE} GROUP BY account_id
)
SELECT a.class, a.asset, sum(
    CASE WHEN a.guarded THEN a.normal * (SELECT posted FROM balances WHERE account_id = a.id)
    ELSE coalesce((SELECT units FROM rollups WHERE account_id = a.id), 0) + coalesce(s.units, 0) END
)
FROM ledger_accounts_of_the_exchange() a
LEFT JOIN since s ON s.account_id = a.id
GROUP BY a.class, a.asset
"""  # noqa: S608 - both parts are constants
_UNITS_OF_ACCOUNTS = f"""
CASE WHEN a.guarded THEN b.posted ELSE a.normal * (coalesce(r.units, 0) + coalesce((
    SELECT sum(units) FROM {_POSTINGS_SINCE} WHERE account_id = a.id
), 0)) END
FROM accounts a
LEFT JOIN balances b ON b.account_id = a.id
LEFT JOIN rollups r ON r.account_id = a.id
"""  # noqa: S608 - both parts are constants
_BALANCE = f"""
SELECT {_UNITS_OF_ACCOUNTS} WHERE a.asset = %s AND a.class = %s AND a.owner_id = %s
"""
_OWED = """
SELECT a.asset, b.owed FROM accounts a JOIN balances b ON b.account_id = a.id
WHERE a.owner_id = %s AND b.owed <> 0
ORDER BY a.asset
"""
_IS_ANYTHING_OWED = """
SELECT EXISTS (
    SELECT FROM accounts a JOIN balances b ON b.account_id = a.id
    WHERE a.owner_id = ANY (%s) AND b.owed <> 0
)
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


#: Guarded accounts with their balances, for lists of rooms that own such accounts.
GUARDED_ACCOUNTS = (
    sa.select(
        Account.id.label("account_id"),
        Account.owner_id,
        Account.asset,
        Account.account_class.label("account_class"),
        Balance.posted,
        Balance.held,
    )
    .join(Balance, Balance.account_id == Account.id)
    .subquery("guarded")
)


#: Entries, for reads of rooms that know their references.
ENTRIES = sa.select(Entry.id, Entry.reference, Entry.cause).subquery("entry")
#: Holds that set units aside now, for reads of rooms that refer to holds.
PENDING_HOLDS = (
    sa.select(Hold.id.label("hold_id")).where(Hold.status == "pending").subquery("pending")
)


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


class ClassTotal(NamedTuple):
    """The sum of the accounts of a class, owner and asset at an instant: debit positive. Customers'
    accounts are summed under the nil owner."""

    kind: str
    account_class: str
    name: str
    owner_id: UUID
    asset: str
    units: int


class EquityMovement(NamedTuple):
    """What one entry posted on an account of equity: debit positive."""

    owner_id: UUID
    asset: str
    posted_at: datetime
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
    """Return the balances of a customer's money and metal; accounts never posted to are absent, and
    so are goods."""
    return [CustomerBalance(*row) for row in session.rows(_BALANCES_OF, (owner_id,))]


def trial_balance(session: Session) -> list[TrialBalanceLine]:
    """Return the sum of each class and asset now, from balances and roll-ups."""
    return [
        TrialBalanceLine(kind, account_class, asset, int(units), accounts)
        for kind, account_class, asset, units, accounts in session.rows(_TRIAL_BALANCE)
    ]


def totals_before(session: Session, instants: Sequence[datetime]) -> list[list[ClassTotal]]:
    """Return the totals of the books at each instant, which does not belong to them, without goods.

    What was posted before the day (UTC) of an instant is read from totals of days.
    """
    found = session.fetch(
        *(
            (
                _TOTALS_BEFORE,
                {
                    "instant": instant,
                    "midnight": instant.astimezone(UTC).replace(
                        hour=0, minute=0, second=0, microsecond=0
                    ),
                    "day": instant.astimezone(UTC).date(),
                    "assets": list(TRADABLE),
                },
            )
            for instant in instants
        )
    )
    return [
        [
            ClassTotal(kind, account_class, name, owner_id, asset, int(units))
            for kind, account_class, name, owner_id, asset, units in rows
        ]
        for rows in found
    ]


def equity_movements(
    session: Session,
    before: datetime,
    *,
    except_classes: Iterable[AccountClass],
    except_assets: Iterable[Asset],
) -> list[EquityMovement]:
    """Return the postings on accounts of equity before an instant, except of these classes and in
    these assets."""
    codes = [asset.code for asset in except_assets]
    rows = session.rows(_EQUITY_MOVEMENTS, (list(except_classes), codes, before))
    return [EquityMovement(*row) for row in rows]


def house_balances(session: Session) -> list[HouseBalance]:
    """Return the balances of the accounts that are neither customers' own nor of goods, read in one
    statement.

    Entries sum to zero in each asset, so in each asset these sum to what customers own. The cost
    does not grow with the number of customers, products or locations.
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


def is_anything_owed(session: Session, owner_ids: Sequence[UUID]) -> bool:
    """Return whether any of these customers owes us anything now, in any asset."""
    return bool(session.value(*select_is_anything_owed(owner_ids)))


def select_is_anything_owed(owner_ids: Sequence[UUID]) -> Statement:
    """Return the statement of `is_anything_owed`, to be sent together with others: one value."""
    return _IS_ANYTHING_OWED, (list(owner_ids),)


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
