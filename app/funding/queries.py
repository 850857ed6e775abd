"""Reads of funding: a customer's balances with their value, and what reads of payments share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import FUNDING, TRADING, USD
from app.funding import card_money
from app.funding.models import DepositRow, WithdrawalRow
from app.funding.receivables import service as receivables
from app.funding.rules import value_at_bid
from app.funding.states import DepositStatus, WithdrawalStatus
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListColumn, ListSource, fetch_newest
from app.kit.money import Amount, Asset
from app.kit.pagination import Page
from app.kit.statements import AnySelect
from app.ledger import queries as ledger_queries
from app.ledger.queries import CustomerBalance
from app.pricing import queries as pricing_queries


@dataclass(frozen=True, slots=True)
class ValuedBalance:
    """A customer's balance in one asset, with its value."""

    available: Amount
    held: Amount
    total: Amount
    #: What the customer owes us in this asset, beside the rest.
    owed: Amount
    #: The value at the bid; None when it never had a price.
    usd_value: Amount | None


@dataclass(frozen=True, slots=True)
class ValuedBalances:
    """All balances of a customer, by account."""

    funding: list[ValuedBalance]
    trading: list[ValuedBalance]
    #: The sum over all assets that have a price.
    total_usd: Amount
    #: What was paid in by card and cannot be withdrawn yet, and until when.
    withheld_usd: Amount
    withheld_until: datetime | None
    #: What can be withdrawn, by its worth.
    withdrawable_usd: Amount


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

    @property
    def user_id(self) -> UUID: ...


PaymentT = TypeVar("PaymentT", bound=_Payment)


def valued_balances(session: Session, user_id: UUID) -> ValuedBalances:
    """Return the customer's balance in every tradable asset, zero where there is none."""
    balances = {
        balance.asset: balance for balance in ledger_queries.customer_balances(session, user_id)
    }
    bids = pricing_queries.bids(session)
    owed = ledger_queries.owed_units(session, user_id)

    def valued(asset: Asset) -> ValuedBalance:
        balance = balances.get(asset.code) or CustomerBalance("", asset.code, 0, 0)
        total = Amount(asset, balance.posted)
        held = Amount(asset, balance.held)
        debt = Amount(asset, owed.get(asset.code, 0))
        return ValuedBalance(total - held, held, total, debt, value_at_bid(total, bids))

    funding = [valued(asset) for asset in FUNDING]
    trading = [valued(asset) for asset in TRADING]
    cents = sum(b.usd_value.units for b in (*funding, *trading) if b.usd_value is not None)
    withheld = card_money.withheld_money(session, user_id)
    # Nothing is withdrawn while anything is owed.
    owes = receivables.owes_anything(session, user_id)
    sale_bids = pricing_queries.sale_bids(session) if withheld.amount else bids
    worth = Amount(USD, 0) if owes else card_money.available_worth(balances.values(), sale_bids)
    return ValuedBalances(
        funding,
        trading,
        Amount(USD, cents),
        withheld.amount,
        withheld.until,
        withheld.withdrawable(worth),
    )


def payment_source(
    row: type[PaymentT], table: type[DepositRow | WithdrawalRow], *columns: ListColumn
) -> ListSource[PaymentT]:
    """Return the list of all deposits or withdrawals; `columns` are those that only one has."""
    return ListSource(
        row,
        sa.select(
            table.id,
            table.user_id,
            table.method,
            table.asset,
            table.status,
            table.code,
            table.provider,
            table.provider_ref,
            table.requested_at,
            *columns,
        ),
        key=table.id,
        sorts={"requested": table.requested_at},
        filters={
            "customer": lambda user_id: table.user_id == user_id,
            "status": lambda status: table.status == status,
            "method": lambda method: table.method == method,
            "from": lambda instant: table.requested_at >= instant,
            "to": lambda instant: table.requested_at < instant,
        },
    )


def payment_page(
    session: Session,
    source: ListSource[PaymentT],
    *,
    user_id: UUID,
    limit: int,
    before: UUID | None = None,
) -> Page[PaymentT]:
    """Return a page of a customer's deposits or withdrawals, newest first."""
    owned = source.select.where(source.filters["customer"](user_id))
    return fetch_newest(session, source.row, owned, source.key, limit=limit, before=before)


def get_payment(
    session: Session, source: ListSource[PaymentT], payment_id: UUID, user_id: UUID | None
) -> PaymentT:
    """Return a deposit or withdrawal; with `user_id` only if that customer owns it.

    Raises `NotFound`.
    """
    owned = source if user_id is None else source.where(source.filters["customer"](user_id))
    return find_payment(session, owned.row, owned.where(source.key == payment_id).select)


def find_payment(session: Session, row: Callable[..., PaymentT], select: AnySelect) -> PaymentT:
    """Return the only deposit or withdrawal that the statement selects. Raises `NotFound`."""
    payments = session.select(row, select)
    if not payments:
        raise NotFound
    [payment] = payments
    return payment
