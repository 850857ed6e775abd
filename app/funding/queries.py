"""Reads of funding: a customer's balances with their value, and what payment lists share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from app.catalog.rules import FUNDING, TRADING, USD
from app.funding.ports import PaymentMethod
from app.funding.rules import value_in_usd
from app.funding.states import DepositStatus, WithdrawalStatus
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.kit.pagination import Page, paginate
from app.kit.pipeline import Row
from app.ledger import queries as ledger_queries
from app.ledger.queries import CustomerBalance
from app.pricing import queries as pricing_queries

_FILTER = """
WHERE (%(user)s::uuid IS NULL OR user_id = %(user)s)
    AND (%(before)s::uuid IS NULL OR id < %(before)s)
    AND (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(method)s::text IS NULL OR method = %(method)s)
ORDER BY id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class ValuedBalance:
    """A customer's balance in one asset, with its value."""

    available: Amount
    held: Amount
    total: Amount
    #: The value at the bid; None when the metal never had a price.
    usd_value: Amount | None


@dataclass(frozen=True, slots=True)
class ValuedBalances:
    """All balances of a customer, by account."""

    funding: list[ValuedBalance]
    trading: list[ValuedBalance]
    #: The sum over all assets that have a price.
    total_usd: Amount


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """One status that a deposit or a withdrawal took."""

    status: DepositStatus | WithdrawalStatus
    evidence: str | None
    #: The customer or member of staff who caused it; None for the system.
    actor_id: UUID | None
    at: datetime


class _Payment(Protocol):
    @property
    def id(self) -> UUID: ...


PaymentT = TypeVar("PaymentT", bound=_Payment)


def valued_balances(session: Session, user_id: UUID) -> ValuedBalances:
    """Return the customer's balance in every tradable asset, zero where there is none."""
    balances = {
        balance.asset: balance for balance in ledger_queries.customer_balances(session, user_id)
    }
    bids = {price.metal: price.bid for price in pricing_queries.market_prices(session)}

    def valued(asset: Asset) -> ValuedBalance:
        balance = balances.get(asset.code) or CustomerBalance("", asset.code, 0, 0)
        total = Amount(asset, balance.posted)
        held = Amount(asset, balance.held)
        return ValuedBalance(total - held, held, total, value_in_usd(total, bids))

    funding = [valued(asset) for asset in FUNDING]
    trading = [valued(asset) for asset in TRADING]
    cents = sum(b.usd_value.units for b in (*funding, *trading) if b.usd_value is not None)
    return ValuedBalances(funding, trading, Amount(USD, cents))


def payment_page(
    session: Session,
    select: str,
    parse: Callable[[Row], PaymentT],
    *,
    limit: int,
    user_id: UUID | None = None,
    before: UUID | None = None,
    status: DepositStatus | WithdrawalStatus | None = None,
    method: PaymentMethod | None = None,
) -> Page[PaymentT]:
    """Return a page of deposits or withdrawals, newest first, filtered by what is not None.

    `select` names the columns and the table; `parse` reads one of its rows.
    """
    parameters = {
        "user": user_id, "before": before, "status": status, "method": method, "limit": limit + 1,
    }  # fmt: skip
    rows = session.rows(f"{select}{_FILTER}", parameters)
    return paginate([parse(row) for row in rows], limit, lambda payment: payment.id)
