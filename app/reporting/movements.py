"""A customer's movements, as they read them: one for each posting on an account of theirs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE, Wallet, wallet_of
from app.kit import pagination
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.kit.pagination import Page
from app.kit.pipeline import Row
from app.ledger.chart import AccountClass
from app.reporting.movement_labels import SAID, MovementKind, causes_of, said

#: The classes of the accounts that are a customer's own money.
OWN = [AccountClass.CUSTOMER_FUNDING, AccountClass.CUSTOMER_TRADING]
_ID_BITS = 64
_LAST = UUID(int=2**128 - 1)

# What else one entry did for the same customer, and which fee it took in the same asset.
COLUMNS = """
    m.entry_id, m.account_id, m.posted_at, m.cause, m.reference,
    (SELECT r.cause FROM entries r WHERE r.id = m.reverses_id), m.asset, m.normal * m.units,
    (SELECT -sum(p.units) FROM postings p JOIN accounts a ON a.id = p.account_id
     WHERE p.entry_id = m.entry_id AND a.class = 'fees' AND a.asset = m.asset),
    (SELECT array_agg(a.asset || ' ' || a.normal * p.units ORDER BY a.asset)
     FROM postings p JOIN accounts a ON a.id = p.account_id
     WHERE p.entry_id = m.entry_id AND p.account_id <> m.account_id
        AND a.owner_id = %(owner)s AND a.class = ANY(%(own)s))
"""
# Each account gives at most a page, newest first by its index; so the walk is as long as a page.
_HISTORY = f"""
SELECT {COLUMNS} FROM (
    SELECT found.*, a.asset, a.normal
    FROM accounts a CROSS JOIN LATERAL (
        SELECT p.entry_id, p.account_id, p.units, e.posted_at, e.cause, e.reference, e.reverses_id
        FROM postings p JOIN entries e ON e.id = p.entry_id
        WHERE p.account_id = a.id AND p.entry_id <= %(entry)s
            AND (p.entry_id < %(entry)s OR p.account_id < %(account)s)
            AND (%(start)s::timestamptz IS NULL OR e.posted_at >= %(start)s)
            AND (%(end)s::timestamptz IS NULL OR e.posted_at < %(end)s)
            AND (%(reversal)s::boolean IS NULL OR (e.reverses_id IS NOT NULL) = %(reversal)s)
            AND (%(causes)s::text[] IS NULL OR e.cause = ANY(%(causes)s))
            AND (%(known)s::text[] IS NULL OR e.cause <> ALL(%(known)s))
        ORDER BY p.entry_id DESC LIMIT %(limit)s
    ) found
    WHERE a.owner_id = %(owner)s AND a.class = ANY(%(own)s)
        AND (%(asset)s::text IS NULL OR a.asset = %(asset)s)
    ORDER BY found.entry_id DESC, found.account_id DESC LIMIT %(limit)s
) m ORDER BY m.entry_id DESC, m.account_id DESC
"""  # noqa: S608 - both parts are constants


@dataclass(frozen=True, slots=True)
class Movement:
    """What one entry did to one account: above zero what came, below what went."""

    id: UUID
    posted_at: datetime
    kind: MovementKind
    description: str
    reference: str
    amount: Amount
    #: In the same asset, and within `amount`.
    fee: Amount | None

    @property
    def account(self) -> Wallet:
        """Which of the customer's accounts moved."""
        return wallet_of(self.amount.asset)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which movements: `start` counts, `end` does not. None is any."""

    asset: Asset | None = None
    kind: MovementKind | None = None
    start: datetime | None = None
    end: datetime | None = None


def movements_of(
    session: Session, user_id: UUID, sought: Sought, limit: int, before: UUID | None = None
) -> Page[Movement]:
    """A person's movements, newest first: those older than the movement `before`."""
    last = before or _LAST
    values: dict[str, Any] = {
        "owner": user_id,
        "own": OWN,
        "asset": sought.asset.code if sought.asset else None,
        "start": sought.start,
        "end": sought.end,
        "entry": last.int >> _ID_BITS,
        "account": last.int & (2**_ID_BITS - 1),
        "limit": limit + 1,
        **_narrowed(sought.kind),
    }
    found = [movement_from(row) for row in session.rows(_HISTORY, values)]
    return pagination.paginate(found, limit, lambda movement: movement.id)


def movement_from(row: Row) -> Movement:
    """The movement of a row of `COLUMNS`."""
    entry, account, posted_at, cause, reference, reversed_cause, code, units, fee, others = row
    asset, (kind, words) = TRADABLE[code], said(cause, reversed_cause)
    towards = "to" if units < 0 else "from"
    beside = " and ".join(_in_words(other) for other in others or ())
    return Movement(
        UUID(int=entry << _ID_BITS | account),
        posted_at,
        kind,
        f"{words} {towards} {beside}" if beside else words,
        reference,
        Amount(asset, int(units)),
        Amount(asset, int(fee)) if fee else None,
    )


def _narrowed(kind: MovementKind | None) -> dict[str, Any]:
    """What the query is told of a kind: a reversal is one, whatever its cause."""
    chosen: dict[str, Any] = {"reversal": None, "causes": None, "known": None}
    if kind is MovementKind.REVERSAL:
        return chosen | {"reversal": True}
    if kind is MovementKind.OTHER:
        known = [cause for cause, each in SAID.items() if each.kind is not MovementKind.OTHER]
        return chosen | {"reversal": False, "known": known}
    if kind is not None:
        return chosen | {"reversal": False, "causes": causes_of(kind)}
    return chosen


def _in_words(other: str) -> str:
    code, units = other.split(" ")
    return f"{Amount(TRADABLE[code], abs(int(units)))} {code}"
