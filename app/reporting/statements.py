"""Statements: what stood on a customer's account, what moved it, and what stands on it now.

For every period opening + movements = closing, in each asset. The three are read apart from each
other, on one snapshot, and a statement that does not add up is not given out.
"""

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
from app.reporting.movements import COLUMNS, OWN, Movement, movement_from

#: As many as can be written, and printed, while somebody waits.
MOVEMENTS_MAX = 10_000
PRINTED_MAX = 1_000
#: Before there was anything to state.
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

# An entry or hold counts from its own instant on: the start belongs to the period, the end to the
# next one.
_BALANCES = """
SELECT a.asset,
    coalesce((SELECT a.normal * sum(p.units) FROM postings p JOIN entries e ON e.id = p.entry_id
              WHERE p.account_id = a.id AND e.posted_at < %(start)s), 0),
    coalesce((SELECT a.normal * sum(p.units) FROM postings p JOIN entries e ON e.id = p.entry_id
              WHERE p.account_id = a.id AND e.posted_at < %(end)s), 0),
    coalesce((SELECT sum(h.units) FROM holds h WHERE h.account_id = a.id
              AND h.placed_at < %(end)s
              AND (h.settled_at IS NULL OR h.settled_at >= %(end)s)), 0)
FROM accounts a
WHERE a.owner_id = %(owner)s AND a.class = ANY(%(own)s) AND a.asset = ANY(%(assets)s)
"""
_OWED = """
SELECT a.asset, sum(a.normal * p.units)
FROM accounts a JOIN postings p ON p.account_id = a.id JOIN entries e ON e.id = p.entry_id
WHERE a.owner_id = %(owner)s AND a.class = %(receivable)s AND a.asset = ANY(%(assets)s)
    AND e.posted_at < %(end)s
GROUP BY a.asset
"""
_MOVEMENTS = f"""
SELECT {COLUMNS} FROM (
    SELECT p.entry_id, p.account_id, p.units, e.posted_at, e.cause, e.reference, e.reverses_id,
        a.asset, a.normal
    FROM accounts a JOIN postings p ON p.account_id = a.id JOIN entries e ON e.id = p.entry_id
    WHERE a.owner_id = %(owner)s AND a.class = ANY(%(own)s) AND a.asset = ANY(%(assets)s)
        AND e.posted_at >= %(start)s AND e.posted_at < %(end)s
    ORDER BY a.asset, e.posted_at, e.id LIMIT %(limit)s
) m ORDER BY m.asset, m.posted_at, m.entry_id
"""  # noqa: S608 - both parts are constants


@dataclass(frozen=True, slots=True)
class Period:
    """From one instant up to another, which is not part of it."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: datetime | None, end: datetime | None) -> Self:
        """The period asked for: up to now, from the first of the month in which it ends.

        Raises `Invalid` for one that ends in the future or before it begins.
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
class Line:
    """A movement, and the balance after it."""

    movement: Movement
    balance: Amount


@dataclass(frozen=True, slots=True)
class Sheet:
    """One asset of the account."""

    opening: Amount
    lines: list[Line]
    closing: Amount
    #: Of the closing balance, what was set aside at that moment.
    held: Amount
    #: What the customer owed us then, beside the balance.
    owed: Amount

    @property
    def asset(self) -> Asset:
        return self.opening.asset

    @property
    def credits(self) -> Amount:
        """The sum of what came."""
        return self._sum(1)

    @property
    def debits(self) -> Amount:
        """The sum of what went, below zero."""
        return self._sum(-1)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing at all."""
        return not (self.lines or self.opening or self.closing or self.owed)

    def _sum(self, sign: int) -> Amount:
        units = (line.movement.amount.units for line in self.lines)
        return Amount(self.asset, sum(each for each in units if each * sign > 0))


@dataclass(frozen=True, slots=True)
class Statement:
    """A customer's account over a period."""

    customer_id: UUID
    customer_name: str
    customer_email: str
    account: Wallet
    period: Period
    sheets: list[Sheet]

    @property
    def name(self) -> str:
        """For a file: whose account, and when."""
        days = (self.period.start, self.period.end)
        return "-".join(["pbcex", self.account, *(day.strftime("%Y%m%dT%H%M%SZ") for day in days)])

    @property
    def customer(self) -> str:
        """The customer's public id."""
        return ids.encode("usr", self.customer_id)


def statement_of(
    session: Session,
    user_id: UUID,
    account: Wallet,
    period: Period,
    asset: Asset | None = None,
    *,
    movements_max: int = MOVEMENTS_MAX,
) -> Statement:
    """One account of a person over a period, every asset of it or one. Call on a snapshot.

    Raises `NotFound` for nobody; `Invalid` for an asset of the other account, and for a period with
    more movements than one statement has.
    """
    assets: tuple[Asset, ...] = FUNDING if account is Wallet.FUNDING else TRADING
    if asset is not None:
        if asset not in assets:
            raise Invalid("asset", f"Choose an asset of the {account} account.")
        assets = (asset,)
    person = account_queries.get_person(session, user_id)
    values = {
        "owner": user_id,
        "own": OWN,
        "receivable": AccountClass.RECEIVABLE,
        "assets": [each.code for each in assets],
        "start": period.start,
        "end": period.end,
        "limit": movements_max + 1,
    }
    stood, owing, moved = session.fetch(
        *((statement, values) for statement in (_BALANCES, _OWED, _MOVEMENTS))
    )
    if len(moved) > movements_max:
        raise Invalid(
            "from", f"Choose a shorter period. This one has more than {movements_max} movements."
        )
    balances = {code: tuple(map(int, units)) for code, *units in stood}
    owed = {code: int(units) for code, units in owing}
    movements = {
        code: list(found)
        for code, found in groupby(map(movement_from, moved), lambda each: each.amount.asset.code)
    }
    sheets = [
        _sheet(
            each,
            balances.get(each.code, (0, 0, 0)),
            movements.get(each.code, []),
            Amount(each, owed.get(each.code, 0)),
        )
        for each in assets
    ]
    name = f"{person.first_name} {person.last_name}"
    return Statement(user_id, name, person.email, account, period, sheets)


def _sheet(
    asset: Asset, balances: tuple[int, ...], movements: list[Movement], owed: Amount
) -> Sheet:
    opening, closing, held = (Amount(asset, units) for units in balances)
    lines, balance = [], opening
    for movement in movements:
        balance += movement.amount
        lines.append(Line(movement, balance))
    assert balance == closing, f"the statement of {asset.code} does not add up"
    return Sheet(opening, lines, closing, held, owed)
