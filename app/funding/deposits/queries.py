"""Reads of deposits."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import TRADABLE, PaymentMethod
from app.funding.models import DepositEvent, DepositRow, DisputeRow
from app.funding.ports import DisputeKind
from app.funding.queries import PaymentEvent, get_payment, payment_page, payment_source
from app.funding.states import DepositStatus, Reversal
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.pagination import Page
from app.notifications.kinds import DepositTerms, FeeTerms

_TOTALS = """
SELECT method, asset, sum(credited_units), count(*) FROM deposits
WHERE user_id = %s AND status = 'credited'
GROUP BY method, asset ORDER BY count(*) DESC, method, asset
"""

_REVERSALS = {
    DisputeKind.DISPUTE.value: Reversal.CHARGED_BACK,
    DisputeKind.REFUND.value: Reversal.REFUNDED,
}


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit as its owner and our staff see it."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    asset: str
    status: DepositStatus
    code: str | None
    provider: str
    provider_ref: str | None
    requested_at: datetime
    asked_units: int | None
    credited_units: int | None
    #: What the provider kept; zero until it is known.
    cost_units: int
    fee_units: int
    source_sealed: bytes | None
    instructions_sealed: bytes | None
    #: When the provider was first called; None before.
    opened_at: datetime | None
    credited_at: datetime | None
    #: The kind of what took it back, disputes first; None if nothing did.
    taken_back_by: str | None

    @property
    def shown_status(self) -> DepositStatus | Reversal:
        """The status; of a reversed deposit, how it was reversed."""
        if self.status is not DepositStatus.TAKEN_BACK:
            return self.status
        return Reversal.RETURNED if self.taken_back_by is None else _REVERSALS[self.taken_back_by]

    @property
    def public_id(self) -> PublicId:
        """Return the id as the API and the pages show it."""
        return ids.encode("dep", self.id)

    @property
    def amount(self) -> Amount:
        """The credited amount; until then the announced one."""
        units = self.credited_units or self.asked_units
        assert units is not None  # deposit_has_an_amount
        return Amount(TRADABLE[self.asset], units)

    @property
    def fee(self) -> Amount:
        """What we take from it; until the money has arrived, the fee agreed to."""
        return Amount(TRADABLE[self.asset], self.fee_units)

    @property
    def receives(self) -> Amount:
        """What is credited."""
        return self.amount - self.fee

    @property
    def requested_amount(self) -> Amount:
        """The announced amount; zero for money that was not announced."""
        return Amount(TRADABLE[self.asset], self.asked_units or 0)

    @property
    def instructions(self) -> Mapping[str, str]:
        """What the customer needs to complete the payment; empty unless they have to act."""
        raw = self._open("instructions_sealed", self.instructions_sealed)
        instructions: dict[str, str] = json.loads(raw) if raw else {}
        return instructions

    def open_source(self) -> str:
        """Return what the method charges, a processor's token of a card or a phone number; empty
        once the deposit has ended."""
        return self._open("source_sealed", self.source_sealed)

    def _open(self, column: str, sealed: bytes | None) -> str:
        if sealed is None:
            return ""
        return keys.open_sealed(sealed, table="deposits", column=column, key=self.id).decode()

    def terms(self, amount: Amount) -> DepositTerms:
        """Return what a message about this amount of it says."""
        return DepositTerms(self.public_id, amount, self.method)

    @property
    def fee_terms(self) -> FeeTerms:
        """What a message says about its fee."""
        return FeeTerms(self.fee, self.receives)


@dataclass(frozen=True, slots=True)
class LockedDeposit(Deposit):
    """A deposit whose row this transaction has locked or inserted."""


DEPOSITS = payment_source(
    Deposit,
    DepositRow,
    DepositRow.asked_units,
    DepositRow.credited_units,
    DepositRow.cost_units,
    DepositRow.fee_units,
    DepositRow.source_sealed,
    DepositRow.instructions_sealed,
    DepositRow.opened_at,
    DepositRow.credited_at,
    # In alphabetical order a dispute comes before a refund.
    sa.select(sa.func.min(DisputeRow.kind))
    .where(DisputeRow.deposit_id == DepositRow.id, DisputeRow.status == "lost")
    .scalar_subquery()
    .label("taken_back_by"),
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
) -> Page[Deposit]:
    """Return a page of a customer's deposits, newest first."""
    return payment_page(session, DEPOSITS, user_id=user_id, limit=limit, before=before)


def deposit(session: Session, deposit_id: UUID, *, user_id: UUID | None = None) -> Deposit:
    """Return one deposit; with `user_id` only if that customer owns it. Raises `NotFound`."""
    return get_payment(session, DEPOSITS, deposit_id, user_id)


def find_deposit(session: Session, deposit_id: UUID) -> Deposit | None:
    """Return the deposit with this id, if there is one."""
    return session.find(Deposit, DEPOSITS.select.where(DepositRow.id == deposit_id))


def list_deposits(session: Session, deposit_ids: Collection[UUID]) -> dict[UUID, Deposit]:
    """Return these deposits by their ids."""
    found = DEPOSITS.select.where(DepositRow.id.in_(deposit_ids))
    return {each.id: each for each in session.select(Deposit, found)} if deposit_ids else {}


def lock_deposit(session: Session, deposit_id: UUID) -> LockedDeposit:
    """Return the deposit, its row locked. Raises `NotFound`."""
    locked = lock_first_deposit(session, DepositRow.id == deposit_id)
    if locked is None:
        raise NotFound
    return locked


def lock_first_deposit(
    session: Session, *conditions: sa.ColumnElement[bool]
) -> LockedDeposit | None:
    """Return the oldest deposit that meets the conditions, its row locked; None without one."""
    select = DEPOSITS.select.where(*conditions).order_by(DepositRow.id).limit(1)
    return session.find(LockedDeposit, select.with_for_update())


def deposit_events(session: Session, deposit_id: UUID) -> Sequence[PaymentEvent]:
    """Return the statuses that the deposit took, oldest first."""
    select = (
        sa.select(
            DepositEvent.to_status.label("status"),
            DepositEvent.evidence,
            sa.null().label("actor_id"),
            DepositEvent.at,
        )
        .where(DepositEvent.deposit_id == deposit_id)
        .order_by(DepositEvent.id)
    )
    return session.select(PaymentEvent, select)
