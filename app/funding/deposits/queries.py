"""Reads of deposits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import TRADABLE, PaymentMethod
from app.funding.models import DepositRow
from app.funding.queries import PaymentEvent, get_payment, payment_page
from app.funding.states import DepositStatus
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.kit.pagination import Page

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
    asset: str
    asked_units: int | None
    credited_units: int | None
    status: DepositStatus
    instructions_sealed: bytes | None
    code: str | None
    provider: str
    provider_ref: str | None
    requested_at: datetime
    credited_at: datetime | None

    @property
    def public_id(self) -> str:
        """Return the id as the API and the pages show it."""
        return ids.encode("dep", self.id)

    @property
    def amount(self) -> Amount:
        """The credited amount; until then the announced one."""
        units = self.credited_units or self.asked_units
        assert units is not None  # deposit_has_an_amount
        return Amount(TRADABLE[self.asset], units)

    @property
    def instructions(self) -> Mapping[str, str]:
        """What the customer needs to complete the payment; empty unless they have to act."""
        if self.instructions_sealed is None:
            return {}
        raw = keys.open_sealed(
            self.instructions_sealed, table="deposits", column="instructions_sealed", key=self.id
        )
        instructions: dict[str, str] = json.loads(raw)
        return instructions


DEPOSITS = ListSource(
    DepositView,
    sa.select(
        DepositRow.id,
        DepositRow.user_id,
        DepositRow.method,
        DepositRow.asset,
        DepositRow.asked_units,
        DepositRow.credited_units,
        DepositRow.status,
        DepositRow.instructions_sealed,
        DepositRow.code,
        DepositRow.provider,
        DepositRow.provider_ref,
        DepositRow.requested_at,
        DepositRow.credited_at,
    ),
    key=DepositRow.id,
    sorts={"requested": DepositRow.id},
    filters={
        "customer": lambda user_id: DepositRow.user_id == user_id,
        "status": lambda status: DepositRow.status == status,
        "method": lambda method: DepositRow.method == method,
        "from": lambda instant: DepositRow.requested_at >= instant,
        "to": lambda instant: DepositRow.requested_at < instant,
    },
)


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


def deposits(
    session: Session, *, user_id: UUID, limit: int, before: UUID | None = None
) -> Page[DepositView]:
    """Return a page of a customer's deposits, newest first."""
    return payment_page(session, DEPOSITS, user_id=user_id, limit=limit, before=before)


def deposit(session: Session, deposit_id: UUID, *, user_id: UUID | None = None) -> DepositView:
    """Return one deposit; with `user_id` only if that customer owns it. Raises `NotFound`."""
    return get_payment(session, DEPOSITS, deposit_id, user_id)


def deposit_events(session: Session, deposit_id: UUID) -> Sequence[PaymentEvent]:
    """Return the statuses that the deposit took, oldest first."""
    rows = session.rows(_EVENTS, (deposit_id,))
    return [PaymentEvent(DepositStatus(status), *rest) for status, *rest in rows]
