"""Reads of withdrawals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.funding.ports import PaymentMethod
from app.funding.queries import PaymentEvent, payment_page
from app.funding.states import CANCELLABLE_WITHDRAWALS, WithdrawalStatus
from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount
from app.kit.pagination import Page
from app.kit.pipeline import Row

_SELECT = """
SELECT id, user_id, method, asset, units, status, destination_masked, code, provider, provider_ref,
    requested_at, completed_at
FROM withdrawals
"""
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
    amount: Amount
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
    def is_cancellable(self) -> bool:
        """Whether it can still be cancelled or rejected: no provider was called yet."""
        return self.status in CANCELLABLE_WITHDRAWALS


def withdrawals(session: Session, **filters: Any) -> Page[WithdrawalView]:
    """Return withdrawals of one customer or of all, newest first. Filters as `payment_page`."""
    return payment_page(session, _SELECT, _parse, **filters)


def withdrawal(
    session: Session, withdrawal_id: UUID, *, user_id: UUID | None = None
) -> WithdrawalView:
    """Return one withdrawal; with `user_id` only if that customer owns it. Raises `NotFound`."""
    row = session.row(f"{_SELECT} WHERE id = %s", (withdrawal_id,))
    if row is None or (user_id is not None and row[1] != user_id):
        raise NotFound
    return _parse(row)


def withdrawal_events(session: Session, withdrawal_id: UUID) -> Sequence[PaymentEvent]:
    """Return the statuses that the withdrawal took, oldest first."""
    rows = session.rows(_EVENTS, (withdrawal_id,))
    return [PaymentEvent(WithdrawalStatus(status), *rest) for status, *rest in rows]


def _parse(row: Row) -> WithdrawalView:
    identifier, user_id, method, code, units, status, *rest = row
    amount = Amount(TRADABLE[code], units)
    return WithdrawalView(
        identifier, user_id, PaymentMethod(method), amount, WithdrawalStatus(status), *rest
    )
