"""Reads of withdrawals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import TRADABLE, PaymentMethod
from app.funding.models import WithdrawalRow
from app.funding.queries import PaymentEvent, get_payment, payment_page
from app.funding.states import CANCELLABLE_WITHDRAWALS, WithdrawalStatus
from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.kit.pagination import Page

_EVENTS = """
SELECT to_status, evidence, actor_id, at FROM withdrawal_events WHERE withdrawal_id = %s ORDER BY id
"""
#: How many withdrawals wait for staff: for release, or for a sanctions decision.
AWAITING_STAFF = Count(
    (
        "SELECT count(*) FROM withdrawals WHERE status IN ('awaiting_approval', 'in_review')",
        None,
    )
)


@dataclass(frozen=True, slots=True)
class WithdrawalView:
    """A withdrawal as its owner and our staff see it."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    asset: str
    units: int
    status: WithdrawalStatus
    #: Masked, such as `account ending 6789`.
    destination: str
    code: str | None
    provider: str
    provider_ref: str | None
    requested_at: datetime
    completed_at: datetime | None

    @property
    def public_id(self) -> str:
        """Return the id as the API and the pages show it."""
        return ids.encode("wdr", self.id)

    @property
    def amount(self) -> Amount:
        """What the customer is paid."""
        return Amount(TRADABLE[self.asset], self.units)

    @property
    def is_cancellable(self) -> bool:
        """Whether it can still be cancelled or rejected: no provider was called yet."""
        return self.status in CANCELLABLE_WITHDRAWALS


WITHDRAWALS = ListSource(
    WithdrawalView,
    sa.select(
        WithdrawalRow.id,
        WithdrawalRow.user_id,
        WithdrawalRow.method,
        WithdrawalRow.asset,
        WithdrawalRow.units,
        WithdrawalRow.status,
        WithdrawalRow.destination_masked.label("destination"),
        WithdrawalRow.code,
        WithdrawalRow.provider,
        WithdrawalRow.provider_ref,
        WithdrawalRow.requested_at,
        WithdrawalRow.completed_at,
    ),
    key=WithdrawalRow.id,
    sorts={"requested": WithdrawalRow.id},
    filters={
        "customer": lambda user_id: WithdrawalRow.user_id == user_id,
        "status": lambda status: WithdrawalRow.status == status,
        "method": lambda method: WithdrawalRow.method == method,
        "from": lambda instant: WithdrawalRow.requested_at >= instant,
        "to": lambda instant: WithdrawalRow.requested_at < instant,
    },
)


def withdrawals(
    session: Session, *, user_id: UUID, limit: int, before: UUID | None = None
) -> Page[WithdrawalView]:
    """Return a page of a customer's withdrawals, newest first."""
    return payment_page(session, WITHDRAWALS, user_id=user_id, limit=limit, before=before)


def withdrawal(
    session: Session, withdrawal_id: UUID, *, user_id: UUID | None = None
) -> WithdrawalView:
    """Return one withdrawal; with `user_id` only if that customer owns it. Raises `NotFound`."""
    return get_payment(session, WITHDRAWALS, withdrawal_id, user_id)


def withdrawal_events(session: Session, withdrawal_id: UUID) -> Sequence[PaymentEvent]:
    """Return the statuses that the withdrawal took, oldest first."""
    rows = session.rows(_EVENTS, (withdrawal_id,))
    return [PaymentEvent(WithdrawalStatus(status), *rest) for status, *rest in rows]
