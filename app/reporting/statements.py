"""Account statements: opening balance, movements and closing balance of a customer's account.

For every period and asset, opening + movements = closing. The three are read independently on one
snapshot, and a statement that does not add up is never returned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Self
from uuid import UUID

from app.catalog.rules import FUNDING, TRADING, Wallet
from app.identity.accounts import queries as account_queries
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount, Asset
from app.ledger.chart import AccountClass
from app.reporting.movement_labels import MovementKind
from app.reporting.movements import (
    CUSTOMER_CLASSES,
    MOVEMENT_COLUMNS,
    Movement,
    movement_from_row,
)
from app.storage_fees import queries as storage_fees_queries

#: As many as can be rendered within a request, as CSV and as PDF.
MOVEMENTS_MAX = 10_000
PDF_MOVEMENTS_MAX = 1_000
#: Before the first entry.
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

# An entry or hold counts from its own instant on: a period includes its start, and its end belongs
# to the next period. What was posted after an account was closed up to an instant never counts
# before it: of the entries up to `ends_at`, only those up to the least `last_entry_id` of the
# closings there or later were in an issued statement.
_CLOSED = """
closed AS (
    SELECT asset, min(last_entry_id) FILTER (WHERE ends_at >= %(start)s) AS at_start,
        min(last_entry_id) FILTER (WHERE ends_at >= %(end)s) AS at_end,
        min(held) FILTER (WHERE ends_at = %(end)s) AS held
    FROM account_closings WHERE owner_id = %(owner)s GROUP BY asset
)
"""
_BEFORE_START = """
(e.posted_at < %(start)s AND p.entry_id <= coalesce(closed.at_start, p.entry_id))
"""
_BEFORE_END = """
(e.posted_at < %(end)s AND p.entry_id <= coalesce(closed.at_end, p.entry_id))
"""
_BALANCES = f"""
WITH {_CLOSED}
SELECT a.asset,
    coalesce((SELECT a.normal * sum(p.units) FROM postings p JOIN entries e ON e.id = p.entry_id
              WHERE p.account_id = a.id AND {_BEFORE_START}), 0),
    coalesce((SELECT a.normal * sum(p.units) FROM postings p JOIN entries e ON e.id = p.entry_id
              WHERE p.account_id = a.id AND {_BEFORE_END}), 0),
    coalesce(closed.held, (SELECT sum(h.units) FROM holds h WHERE h.account_id = a.id
              AND h.placed_at < %(end)s
              AND (h.settled_at IS NULL OR h.settled_at >= %(end)s)), 0)
FROM accounts a LEFT JOIN closed ON closed.asset = a.asset
WHERE a.owner_id = %(owner)s AND a.class = ANY(%(own)s) AND a.asset = ANY(%(assets)s)
"""  # noqa: S608 - all parts are constants
_OWED = f"""
WITH {_CLOSED}
SELECT a.asset, sum(a.normal * p.units)
FROM accounts a LEFT JOIN closed ON closed.asset = a.asset
JOIN postings p ON p.account_id = a.id JOIN entries e ON e.id = p.entry_id
WHERE a.owner_id = %(owner)s AND a.class = %(receivable)s AND a.asset = ANY(%(assets)s)
    AND {_BEFORE_END}
GROUP BY a.asset
"""  # noqa: S608 - all parts are constants
_MOVEMENTS = f"""
WITH {_CLOSED}
SELECT {MOVEMENT_COLUMNS} FROM (
    SELECT p.entry_id, p.account_id, p.units, e.posted_at, e.cause, e.reference, e.reverses_id,
        a.asset, a.normal
    FROM accounts a LEFT JOIN closed ON closed.asset = a.asset
    JOIN postings p ON p.account_id = a.id JOIN entries e ON e.id = p.entry_id
    WHERE a.owner_id = %(owner)s AND a.class = ANY(%(own)s) AND a.asset = ANY(%(assets)s)
        AND {_BEFORE_END} AND NOT {_BEFORE_START}
    ORDER BY a.asset, e.posted_at, e.id LIMIT %(limit)s
) m ORDER BY m.asset, m.posted_at, m.entry_id
"""  # noqa: S608 - all parts are constants


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time: `start` is inclusive, `end` exclusive."""

    start: datetime
    end: datetime

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> Self:
        """Return the requested period. By default it ends now and starts with the month it ends in.

        Raises `Invalid` when it ends in the future or before it starts.
        """
        now = clock.now()
        until = end or now
        if until > now:
            raise Invalid("to", "Enter a time that is not in the future.")
        if until <= _BEGINNING:
            raise Invalid("to", f"Enter a time after {clock.rfc3339(_BEGINNING)}.")
        last = until - timedelta.resolution
        since = start or last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        if since > until:
            raise Invalid("from", "Enter a time that is not after the end of the period.")
        return cls(since, until)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A movement and the balance after it.

    `is_late`: it was booked after a statement of its own time was issued.
    """

    movement: Movement
    balance: Amount
    is_late: bool = False
    #: The arithmetic of a storage fee, one line for each metal or rate.
    details: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What the movement is, and whether it is of an earlier period."""
        late = " (of an earlier period, booked late)" if self.is_late else ""
        return f"{self.movement.description}{late}"


@dataclass(frozen=True, slots=True)
class AssetStatement:
    """The part of a statement about one asset."""

    opening: Amount
    lines: list[StatementLine]
    closing: Amount
    #: The part of the closing balance that was held at the end.
    held: Amount
    #: What the customer owed us at the end; not part of the balance.
    owed: Amount

    @property
    def asset(self) -> Asset:
        return self.opening.asset

    @property
    def credits(self) -> Amount:
        """The sum of incoming movements."""
        return self._sum(1)

    @property
    def debits(self) -> Amount:
        """The sum of outgoing movements, negative."""
        return self._sum(-1)

    @property
    def is_empty(self) -> bool:
        """Whether there is no movement, balance or debt."""
        return not (self.lines or self.opening or self.closing or self.owed)

    def _sum(self, sign: int) -> Amount:
        units = (line.movement.amount.units for line in self.lines)
        return Amount(self.asset, sum(moved for moved in units if moved * sign > 0))


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """A customer's account over a period."""

    customer_id: UUID
    customer_name: str
    customer_email: str
    account: Wallet
    period: Period
    asset_statements: list[AssetStatement]

    @property
    def file_name(self) -> str:
        """A file name without extension, made of the account and the period."""
        ends = (self.period.start, self.period.end)
        return "-".join(["pbcex", self.account, *(end.strftime("%Y%m%dT%H%M%SZ") for end in ends)])

    @property
    def customer_public_id(self) -> str:
        return ids.encode("usr", self.customer_id)


def assets_of_statement(account: Wallet, asset: Asset | None) -> tuple[Asset, ...]:
    """Return the assets that a statement is about: all of the account, or the requested one.

    Raises `Invalid` for an asset of the other account.
    """
    assets: tuple[Asset, ...] = FUNDING if account is Wallet.FUNDING else TRADING
    if asset is None:
        return assets
    if asset not in assets:
        raise Invalid("asset", f"Choose an asset of the {account} account.")
    return (asset,)


def build_statement(
    session: Session,
    user_id: UUID,
    account: Wallet,
    period: Period,
    asset: Asset | None = None,
    *,
    movements_max: int = MOVEMENTS_MAX,
) -> AccountStatement:
    """Return the statement of a person's account over a period, for all its assets or one.

    Call it on a snapshot, after closing the accounts up to the end of the period: then it stays the
    same however often it is asked for, and the next one opens with its closing balance. Raises
    `NotFound` for an unknown person, `Invalid` for an asset of the other account and for a period
    with more than `movements_max` movements.
    """
    assets = assets_of_statement(account, asset)
    person = account_queries.get_person(session, user_id)
    values = {
        "owner": user_id,
        "own": CUSTOMER_CLASSES,
        "receivable": AccountClass.RECEIVABLE,
        "assets": [listed.code for listed in assets],
        "start": period.start,
        "end": period.end,
        "limit": movements_max + 1,
    }
    balance_rows, owed_rows, movement_rows = session.fetch(
        *((statement, values) for statement in (_BALANCES, _OWED, _MOVEMENTS))
    )
    if len(movement_rows) > movements_max:
        raise Invalid(
            "from", f"Choose a shorter period. This one has more than {movements_max} movements."
        )
    balances = {code: tuple(map(int, units)) for code, *units in balance_rows}
    owed = {code: int(units) for code, units in owed_rows}
    movements = {
        code: list(group)
        for code, group in groupby(
            map(movement_from_row, movement_rows), lambda movement: movement.amount.asset.code
        )
    }
    explanations = _explain_fees(session, movements.values())
    asset_statements = [
        _asset_statement(
            listed,
            balances.get(listed.code, (0, 0, 0)),
            movements.get(listed.code, []),
            Amount(listed, owed.get(listed.code, 0)),
            period,
            explanations=explanations,
        )
        for listed in assets
    ]
    name = f"{person.first_name} {person.last_name}"
    return AccountStatement(user_id, name, person.email, account, period, asset_statements)


def _explain_fees(
    session: Session, movements: Iterable[Sequence[Movement]]
) -> Mapping[str, Sequence[str]]:
    """Return the arithmetic of the storage fees among the movements, by reference."""
    fees = {
        movement.reference
        for group in movements
        for movement in group
        if movement.kind is MovementKind.STORAGE
    }
    return storage_fees_queries.explain_charges(session, fees) if fees else {}


def _asset_statement(
    asset: Asset,
    balances: tuple[int, ...],
    movements: list[Movement],
    owed: Amount,
    period: Period,
    *,
    explanations: Mapping[str, Sequence[str]],
) -> AssetStatement:
    opening, closing, held = (Amount(asset, units) for units in balances)
    lines, balance = [], opening
    for movement in movements:
        balance += movement.amount
        is_late = movement.posted_at < period.start
        details = tuple(explanations.get(movement.reference, ()))
        lines.append(StatementLine(movement, balance, is_late, details))
    assert balance == closing, f"the statement of {asset.code} does not add up"
    return AssetStatement(opening, lines, closing, held, owed)
