"""A customer's movements as the customer reads them: one for each posting on their accounts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE, Wallet, wallet_of
from app.kit import pagination
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.kit.money import Amount, Asset
from app.kit.pagination import Page
from app.kit.pipeline import Row
from app.ledger.chart import AccountClass
from app.reporting.movement_labels import LABELS, MovementKind, causes_of, label_of

#: The account classes that are a customer's own money.
CUSTOMER_CLASSES = [AccountClass.CUSTOMER_FUNDING, AccountClass.CUSTOMER_TRADING]
_ID_BITS = 64
_LAST = UUID(int=2**128 - 1)

# Includes the entry's fee in the same asset, and its postings on the customer's other accounts.
MOVEMENT_COLUMNS = """
    m.entry_id, m.account_id, m.posted_at, m.cause, m.reference,
    (SELECT r.cause FROM entries r WHERE r.id = m.reverses_id), m.asset, m.normal * m.units,
    (SELECT -sum(p.units) FROM postings p JOIN accounts a ON a.id = p.account_id
     WHERE p.entry_id = m.entry_id AND a.class = 'fees' AND a.asset = m.asset),
    (SELECT array_agg(a.asset || ' ' || a.normal * p.units ORDER BY a.asset)
     FROM postings p JOIN accounts a ON a.id = p.account_id
     WHERE p.entry_id = m.entry_id AND p.account_id <> m.account_id
        AND a.owner_id = %(owner)s AND a.class = ANY(%(own)s))
"""
# Each account yields at most one page, newest first by its index, so the scan is as long as a page.
_HISTORY = f"""
SELECT {MOVEMENT_COLUMNS} FROM (
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
    """What one entry did to one account: positive in, negative out."""

    id: UUID
    posted_at: datetime
    kind: MovementKind
    description: str
    reference: str
    amount: Amount
    #: In the same asset, and included in `amount`.
    fee: Amount | None

    @property
    def account(self) -> Wallet:
        """The customer's account that moved."""
        return wallet_of(self.amount.asset)


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Which movements to list. `start` is inclusive, `end` exclusive; None matches any."""

    asset: Asset | None = None
    kind: MovementKind | None = None
    start: datetime | None = None
    end: datetime | None = None


def list_movements(
    session: Session,
    user_id: UUID,
    movement_filter: MovementFilter,
    limit: int,
    before: UUID | None = None,
) -> Page[Movement]:
    """Return a page of a person's movements, newest first, older than the movement `before`."""
    last = before or _LAST
    values: dict[str, Any] = {
        "owner": user_id,
        "own": CUSTOMER_CLASSES,
        "asset": movement_filter.asset.code if movement_filter.asset else None,
        "start": movement_filter.start,
        "end": movement_filter.end,
        "entry": last.int >> _ID_BITS,
        "account": last.int & (2**_ID_BITS - 1),
        "limit": limit + 1,
        **_kind_conditions(movement_filter.kind),
    }
    movements = [movement_from_row(row) for row in session.rows(_HISTORY, values)]
    return pagination.paginate(movements, limit, lambda movement: movement.id)


def movement_from_row(row: Row) -> Movement:
    """Return the movement in a row of `MOVEMENT_COLUMNS`."""
    entry, account, posted_at, cause, reference, reversed_cause, code, units, fee, others = row
    asset, (kind, label, names_others) = TRADABLE[code], label_of(cause, reversed_cause)
    direction = "to" if units < 0 else "from"
    counterpart = " and ".join(map(_format_units, (others if names_others else None) or ()))
    return Movement(
        UUID(int=entry << _ID_BITS | account),
        posted_at,
        kind,
        f"{label} {direction} {counterpart}" if counterpart else label,
        reference,
        Amount(asset, int(units)),
        Amount(asset, int(fee)) if fee else None,
    )


def _kind_conditions(kind: MovementKind | None) -> dict[str, Any]:
    """Return the query's parameters for a kind. A reversal is one whatever its cause."""
    conditions: dict[str, Any] = {"reversal": None, "causes": None, "known": None}
    if kind is MovementKind.REVERSAL:
        return conditions | {"reversal": True}
    if kind is MovementKind.OTHER:
        known = [cause for cause, label in LABELS.items() if label.kind is not MovementKind.OTHER]
        return conditions | {"reversal": False, "known": known}
    if kind is not None:
        return conditions | {"reversal": False, "causes": causes_of(kind)}
    return conditions


def _format_units(code_and_units: str) -> str:
    code, units = code_and_units.split(" ")
    return format_amount(Amount(TRADABLE[code], abs(int(units))))
