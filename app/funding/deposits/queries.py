"""Reads of deposits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.funding.ports import PaymentMethod
from app.funding.queries import PaymentEvent, payment_page
from app.funding.states import DepositStatus
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount
from app.kit.pagination import Page
from app.kit.pipeline import Row

_SELECT = """
SELECT id, user_id, method, asset, asked_units, credited_units, status, instructions_sealed, code,
    provider, provider_ref, requested_at, credited_at
FROM deposits
"""
_EVENTS = """
SELECT to_status, evidence, NULL, at FROM deposit_events WHERE deposit_id = %s ORDER BY id
"""
_TOTALS = """
SELECT method, asset, sum(credited_units), count(*) FROM deposits
WHERE user_id = %s AND status = 'credited'
GROUP BY method, asset ORDER BY count(*) DESC, method, asset
"""


@dataclass(frozen=True, slots=True)
class DepositView:
    """A deposit as its owner and our staff see it."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    #: The credited amount; until then the announced one.
    amount: Amount
    status: DepositStatus
    #: What the customer needs to complete the payment; empty unless they have to act.
    instructions: Mapping[str, str]
    code: str | None
    provider: str
    provider_ref: str | None
    requested_at: datetime
    credited_at: datetime | None

    @property
    def public_id(self) -> str:
        """Return the id as the API and the pages show it."""
        return ids.encode("dep", self.id)


@dataclass(frozen=True, slots=True)
class DepositedTotal:
    """What a customer paid in by one method in one asset, and in how many deposits."""

    method: PaymentMethod
    amount: Amount
    count: int


def deposited_totals(session: Session, user_id: UUID) -> list[DepositedTotal]:
    """Return what was credited to the customer and not taken back, the method used most first."""
    return [
        DepositedTotal(PaymentMethod(method), Amount(TRADABLE[code], int(units)), count)
        for method, code, units, count in session.rows(_TOTALS, (user_id,))
    ]


def deposits(session: Session, **filters: Any) -> Page[DepositView]:
    """Return deposits of one customer or of all, newest first. Filters as `payment_page`."""
    return payment_page(session, _SELECT, _parse, **filters)


def deposit(session: Session, deposit_id: UUID, *, user_id: UUID | None = None) -> DepositView:
    """Return one deposit; with `user_id` only if that customer owns it. Raises `NotFound`."""
    row = session.row(f"{_SELECT} WHERE id = %s", (deposit_id,))
    if row is None or (user_id is not None and row[1] != user_id):
        raise NotFound
    return _parse(row)


def deposit_events(session: Session, deposit_id: UUID) -> Sequence[PaymentEvent]:
    """Return the statuses that the deposit took, oldest first."""
    rows = session.rows(_EVENTS, (deposit_id,))
    return [PaymentEvent(DepositStatus(status), *rest) for status, *rest in rows]


def _parse(row: Row) -> DepositView:
    identifier, user_id, method, code, requested, credited, status, sealed, *rest = row
    instructions: dict[str, str] = {}
    if sealed is not None:
        raw = keys.open_sealed(
            sealed, table="deposits", column="instructions_sealed", key=identifier
        )
        instructions = json.loads(raw)
    return DepositView(
        identifier, user_id, PaymentMethod(method), Amount(TRADABLE[code], credited or requested),
        DepositStatus(status), instructions, *rest,
    )  # fmt: skip
