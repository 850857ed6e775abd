"""Reads of funding: a customer's balances by account, with their worth in dollars."""

from dataclasses import dataclass
from uuid import UUID

from app.catalog.rules import FUNDING, TRADING, USD
from app.funding.rules import value_in_usd
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.ledger import queries as ledger
from app.ledger.queries import CustomerBalance
from app.pricing import queries as pricing


@dataclass(frozen=True, slots=True)
class Holding:
    """What a customer has of one asset."""

    available: Amount
    held: Amount
    total: Amount
    #: At the bid; None when the metal never had a price.
    usd_value: Amount | None


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything a customer has, by account."""

    funding: list[Holding]
    trading: list[Holding]
    #: Of all that has a price.
    total_usd: Amount


def holdings_of(session: Session, user_id: UUID) -> Holdings:
    """Every tradable asset of a customer, those they have none of as zero."""
    found = {balance.asset: balance for balance in ledger.balances_of(session, user_id)}
    bids = {price.metal: price.bid for price in pricing.market(session)}

    def holding(asset: Asset) -> Holding:
        balance = found.get(asset.code) or CustomerBalance("", asset.code, 0, 0)
        total = Amount(asset, balance.posted)
        held = Amount(asset, balance.held)
        return Holding(total - held, held, total, value_in_usd(total, bids))

    funding = [holding(asset) for asset in FUNDING]
    trading = [holding(asset) for asset in TRADING]
    worth = sum(h.usd_value.units for h in (*funding, *trading) if h.usd_value is not None)
    return Holdings(funding, trading, Amount(USD, worth))
