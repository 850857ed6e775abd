"""Reads of funding: a customer's balances with their worth in dollars, deposits, withdrawals."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from app.catalog.rules import FUNDING, TRADABLE, TRADING, USD
from app.funding.ports import PaymentMethod
from app.funding.rules import value_in_usd
from app.funding.states import CANCELLABLE_WITHDRAWALS, DepositStatus, WithdrawalStatus
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount, Asset
from app.kit.pagination import Page, paginate
from app.kit.pipeline import Row
from app.ledger import queries as ledger_queries
from app.ledger.queries import CustomerBalance
from app.pricing import queries as pricing_queries

_DEPOSITS = """
SELECT id, user_id, method, asset, asked_units, credited_units, status, instructions_sealed, code,
    provider, provider_ref, requested_at, credited_at
FROM deposits
"""
_WITHDRAWALS = """
SELECT id, user_id, method, asset, units, status, destination_masked, code, provider, provider_ref,
    requested_at, completed_at
FROM withdrawals
"""
_FILTER = """
WHERE (%(user)s::uuid IS NULL OR user_id = %(user)s)
    AND (%(before)s::uuid IS NULL OR id < %(before)s)
    AND (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(method)s::text IS NULL OR method = %(method)s)
ORDER BY id DESC LIMIT %(limit)s
"""
_STEPS_OF_DEPOSIT = """
SELECT to_status, evidence, NULL, at FROM deposit_events WHERE deposit_id = %s ORDER BY id
"""
_STEPS_OF_WITHDRAWAL = """
SELECT to_status, evidence, actor_id, at FROM withdrawal_events WHERE withdrawal_id = %s ORDER BY id
"""
_WAITING = "SELECT count(*) FROM withdrawals WHERE status IN ('awaiting_approval', 'in_review')"


@dataclass(frozen=True, slots=True)
class ValuedBalance:
    """What a customer has of one asset."""

    available: Amount
    held: Amount
    total: Amount
    #: At the bid; None when the metal never had a price.
    usd_value: Amount | None


@dataclass(frozen=True, slots=True)
class ValuedBalances:
    """Everything a customer has, by account."""

    funding: list[ValuedBalance]
    trading: list[ValuedBalance]
    #: Of all that has a price.
    total_usd: Amount


def valued_balances(session: Session, user_id: UUID) -> ValuedBalances:
    """Every tradable asset of a customer, those they have none of as zero."""
    found = {
        balance.asset: balance for balance in ledger_queries.customer_balances(session, user_id)
    }
    bids = {price.metal: price.bid for price in pricing_queries.market_prices(session)}

    def holding(asset: Asset) -> ValuedBalance:
        balance = found.get(asset.code) or CustomerBalance("", asset.code, 0, 0)
        total = Amount(asset, balance.posted)
        held = Amount(asset, balance.held)
        return ValuedBalance(total - held, held, total, value_in_usd(total, bids))

    funding = [holding(asset) for asset in FUNDING]
    trading = [holding(asset) for asset in TRADING]
    worth = sum(h.usd_value.units for h in (*funding, *trading) if h.usd_value is not None)
    return ValuedBalances(funding, trading, Amount(USD, worth))


@dataclass(frozen=True, slots=True)
class DepositView:
    """A deposit as its owner and our staff see it."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    #: What came, or else what was announced.
    amount: Amount
    status: DepositStatus
    #: What the customer needs to go on; empty unless they have to.
    instructions: Mapping[str, str]
    code: str | None
    provider: str
    provider_ref: str | None
    requested_at: datetime
    credited_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("dep", self.id)


@dataclass(frozen=True, slots=True)
class WithdrawalView:
    """A withdrawal as its owner and our staff see it."""

    id: UUID
    user_id: UUID
    method: PaymentMethod
    amount: Amount
    status: WithdrawalStatus
    #: Masked.
    destination: str
    code: str | None
    provider: str
    provider_ref: str | None
    requested_at: datetime
    completed_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("wdr", self.id)

    @property
    def is_cancellable(self) -> bool:
        """Whether it has not been sent."""
        return self.status in CANCELLABLE_WITHDRAWALS


Payment = TypeVar("Payment", DepositView, WithdrawalView)


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """One thing that happened to a payment."""

    status: str
    evidence: str | None
    actor_id: UUID | None
    at: datetime


def deposits(session: Session, **filters: Any) -> Page[DepositView]:
    """Deposits, newest first: a person's or everybody's. Takes what `_page` takes."""
    return _page(session, _DEPOSITS, _deposit, **filters)


def deposit(session: Session, deposit_id: UUID, *, user_id: UUID | None = None) -> DepositView:
    """One of them; of this person alone, if one is given. Raises `NotFound`."""
    row = session.row(f"{_DEPOSITS} WHERE id = %s", (deposit_id,))
    if row is None or (user_id is not None and row[1] != user_id):
        raise NotFound
    return _deposit(row)


def deposit_events(session: Session, deposit_id: UUID) -> Sequence[PaymentEvent]:
    """What happened to it, oldest first."""
    return [PaymentEvent(*row) for row in session.rows(_STEPS_OF_DEPOSIT, (deposit_id,))]


def withdrawals(session: Session, **filters: Any) -> Page[WithdrawalView]:
    """Withdrawals, newest first: a person's or everybody's. Takes what `_page` takes."""
    return _page(session, _WITHDRAWALS, _withdrawal, **filters)


def withdrawal(
    session: Session, withdrawal_id: UUID, *, user_id: UUID | None = None
) -> WithdrawalView:
    """One of them; of this person alone, if one is given. Raises `NotFound`."""
    row = session.row(f"{_WITHDRAWALS} WHERE id = %s", (withdrawal_id,))
    if row is None or (user_id is not None and row[1] != user_id):
        raise NotFound
    return _withdrawal(row)


def withdrawal_events(session: Session, withdrawal_id: UUID) -> Sequence[PaymentEvent]:
    """What happened to it, oldest first."""
    return [PaymentEvent(*row) for row in session.rows(_STEPS_OF_WITHDRAWAL, (withdrawal_id,))]


def count_awaiting_staff(session: Session) -> int:
    """How many wait for our staff."""
    row = session.row(_WAITING)
    return int(row[0]) if row else 0


def _page(
    session: Session,
    columns: str,
    read: Callable[[Row], Payment],
    *,
    limit: int,
    user_id: UUID | None = None,
    before: UUID | None = None,
    status: str | None = None,
    method: str | None = None,
) -> Page[Payment]:
    values = {
        "user": user_id, "before": before, "status": status, "method": method, "limit": limit + 1,
    }  # fmt: skip
    rows = session.rows(f"{columns}{_FILTER}", values)
    return paginate([read(row) for row in rows], limit, lambda each: each.id)


def _deposit(row: Row) -> DepositView:
    identifier, user_id, method, code, asked, credited, status, sealed, *rest = row
    told: dict[str, str] = {}
    if sealed is not None:
        raw = keys.open_sealed(
            sealed, table="deposits", column="instructions_sealed", key=identifier
        )
        told = json.loads(raw)
    amount = Amount(TRADABLE[code], credited or asked)
    return DepositView(
        identifier, user_id, PaymentMethod(method), amount, DepositStatus(status), told, *rest
    )


def _withdrawal(row: Row) -> WithdrawalView:
    identifier, user_id, method, code, units, status, *rest = row
    amount = Amount(TRADABLE[code], units)
    return WithdrawalView(
        identifier, user_id, PaymentMethod(method), amount, WithdrawalStatus(status), *rest
    )
