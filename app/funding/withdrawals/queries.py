"""Reads of withdrawals."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.cases import queue_sources
from app.cases.queue_sources import QueueSource
from app.catalog.rules import TRADABLE, USD, PaymentMethod
from app.funding.models import WithdrawalEvent, WithdrawalRow
from app.funding.queries import (
    PaymentEvent,
    find_payment,
    get_payment,
    payment_page,
    payment_source,
)
from app.funding.states import CANCELLABLE_WITHDRAWALS, WithdrawalStatus
from app.funding.withdrawals.destinations import Destination
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.pagination import Page
from app.kit.statements import AnySelect
from app.notifications.kinds import FeeTerms, WithdrawalTerms

#: How many withdrawals wait for staff: for release, or for a sanctions decision.
AWAITING_STAFF = Count(
    (
        "SELECT count(*) FROM withdrawals WHERE status IN ('awaiting_approval', 'in_review')",
        None,
    )
)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawal as its owner and our staff see it."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    asset: str
    status: WithdrawalStatus
    code: str | None
    provider: str
    provider_ref: str | None
    requested_at: datetime
    units: int
    fee_units: int
    usd_units: int
    #: Masked, such as `account ending 6789`.
    destination: str
    destination_sealed: bytes
    #: Before the request where the destination was known.
    payable_from: datetime
    looked_at: datetime
    completed_at: datetime | None

    @property
    def public_id(self) -> PublicId:
        """Return the id as the API and the pages show it."""
        return ids.encode("wdr", self.id)

    @property
    def terms(self) -> WithdrawalTerms:
        """What every message about it says."""
        return WithdrawalTerms(self.public_id, self.amount, self.method, self.destination)

    @property
    def fee_terms(self) -> FeeTerms:
        """What a message says about its fee."""
        return FeeTerms(self.fee, self.receives)

    @property
    def amount(self) -> Amount:
        """What leaves the customer's account."""
        return Amount(TRADABLE[self.asset], self.units)

    @property
    def fee(self) -> Amount:
        """What we take from it."""
        return Amount(TRADABLE[self.asset], self.fee_units)

    @property
    def receives(self) -> Amount:
        """What is paid out."""
        return self.amount - self.fee

    @property
    def value(self) -> Amount:
        """What the amount was worth in dollars at the request."""
        return Amount(USD, self.usd_units)

    @property
    def waits_until(self) -> datetime | None:
        """Until when it waits because its destination was new; None when it never did."""
        return self.payable_from if self.requested_at < self.payable_from else None

    @property
    def is_cancellable(self) -> bool:
        """Whether it can still be cancelled or rejected: no provider was called yet."""
        return self.status in CANCELLABLE_WITHDRAWALS

    def open_destination(self) -> Destination:
        """Return where the money goes, unmasked."""
        raw = keys.open_sealed(
            self.destination_sealed, table="withdrawals", column="destination_sealed", key=self.id
        )
        destination: dict[str, str] = json.loads(raw)
        return destination


@dataclass(frozen=True, slots=True)
class LockedWithdrawal(Withdrawal):
    """A withdrawal whose row this transaction has locked or inserted."""


WITHDRAWALS = payment_source(
    Withdrawal,
    WithdrawalRow,
    WithdrawalRow.units,
    WithdrawalRow.fee_units,
    WithdrawalRow.usd_units,
    WithdrawalRow.destination_masked.label("destination"),
    WithdrawalRow.destination_sealed,
    WithdrawalRow.payable_from,
    WithdrawalRow.looked_at,
    WithdrawalRow.completed_at,
)


def withdrawals(
    session: Session, *, user_id: UUID, limit: int, before: UUID | None = None
) -> Page[Withdrawal]:
    """Return a page of a customer's withdrawals, newest first."""
    return payment_page(session, WITHDRAWALS, user_id=user_id, limit=limit, before=before)


def withdrawal(session: Session, withdrawal_id: UUID, *, user_id: UUID | None = None) -> Withdrawal:
    """Return one withdrawal; with `user_id` only if that customer owns it. Raises `NotFound`."""
    return get_payment(session, WITHDRAWALS, withdrawal_id, user_id)


def lock_withdrawal(session: Session, withdrawal_id: UUID) -> LockedWithdrawal:
    """Return the withdrawal, its row locked. Raises `NotFound`."""
    select = WITHDRAWALS.select.where(WithdrawalRow.id == withdrawal_id).with_for_update()
    return find_payment(session, LockedWithdrawal, select)


def find_by_event(session: Session, provider: str, subject: str) -> Withdrawal | None:
    """Return the withdrawal that a provider's event is about: its subject is the provider's id of
    the payout, or ours."""
    is_named = sa.and_(WithdrawalRow.provider == provider, WithdrawalRow.provider_ref == subject)
    if withdrawal_id := ids.try_decode("wdr", subject):
        is_named = sa.or_(is_named, WithdrawalRow.id == withdrawal_id)
    return session.find(Withdrawal, WITHDRAWALS.select.where(is_named))


def withdrawal_events(session: Session, withdrawal_id: UUID) -> Sequence[PaymentEvent]:
    """Return the statuses that the withdrawal took, oldest first."""
    select = (
        sa.select(
            WithdrawalEvent.to_status.label("status"),
            WithdrawalEvent.evidence,
            WithdrawalEvent.actor_id,
            WithdrawalEvent.at,
        )
        .where(WithdrawalEvent.withdrawal_id == withdrawal_id)
        .order_by(WithdrawalEvent.id)
    )
    return session.select(PaymentEvent, select)


#: How long payouts that failed are shown to staff, who tell the customer what to do.
_FAILED_SHOWN = timedelta(days=7)


def _select_work(_actor: Actor) -> AnySelect:
    """Return the payouts that failed lately or whose outcome is unknown."""
    is_recent = WithdrawalRow.looked_at > clock.now() - _FAILED_SHOWN
    has_failed = WithdrawalRow.status.in_([WithdrawalStatus.FAILED, WithdrawalStatus.RETURNED])
    return sa.select(
        WithdrawalRow.id.label("subject_id"),
        WithdrawalRow.user_id,
        WithdrawalRow.looked_at.label("since"),
    ).where(
        sa.or_(
            WithdrawalRow.status == WithdrawalStatus.UNKNOWN,
            sa.and_(has_failed, is_recent),
        )
    )


queue_sources.register(
    QueueSource(
        "payment",
        "Failed payment",
        Permission.PAYMENTS_READ,
        "wdr",
        _select_work,
        ends_by_hand=True,
    )
)
