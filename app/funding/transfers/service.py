"""The verb of transfers: move gold between its token PAXG and the synthetic XAU-s."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.catalog.rules import PAXG, Wallet
from app.funding.models import TransferRow
from app.funding.transfers import rules as transfer_rules
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.ledger import chart
from app.ledger import service as ledger
from app.pricing import queries as pricing_queries
from app.pricing.gate import GATE_PRICES, GateRules, TransferLimits, require_gate_open
from app.pricing.ounce_limits import OUNCES_DAY, check_ounces
from app.settings.queries import current

MINT = "mint"
BURN = "burn"

_INSERT_TRANSFER = """
INSERT INTO transfers (id, user_id, from_asset, to_asset, units, transferred_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""

OUNCES_DAY.count(
    sa.select(
        TransferRow.user_id.label("owner"),
        TransferRow.id.label("id"),
        TransferRow.transferred_at.label("at"),
        TransferRow.units.label("units"),
    )
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A completed transfer between a customer's two accounts."""

    id: UUID
    given: Amount
    received: Amount
    transferred_at: datetime


def transfer(
    session: Session,
    actor: Actor,
    *,
    amount: Amount,
    origin: Wallet,
    destination: Wallet,
) -> Transfer:
    """Mint XAU-s from PAXG, or burn it back to PAXG, one to one by weight.

    Raises `Invalid` for other pairs and sizes, `GateClosed` while PAXG deviates from gold,
    `PriceStale` when either price is too old to tell, and `TransferLimitExceeded`; the database
    raises `InsufficientFunds`.
    """
    now = clock.now()
    received = Amount(
        transfer_rules.counterpart_asset(amount.asset, origin, destination), amount.units
    )
    transfer_rules.check_transfer_size(amount, current(session, TransferLimits))
    _require_gate_open(session, now)
    check_ounces(session, kyc_queries.accounts_of_person(session, actor.user_id), amount)
    completed = Transfer(ids.new(), amount, received, now)
    ledger.post(
        session,
        cause=MINT if amount.asset == PAXG else BURN,
        reference=ids.encode("trf", completed.id),
        posted_at=now,
        postings=[
            ledger.debit(chart.customer(actor.user_id, amount.asset), amount),
            ledger.credit(chart.backing(amount.asset), amount),
            ledger.credit(chart.customer(actor.user_id, received.asset), received),
            ledger.debit(chart.backing(received.asset), received),
        ],
    )
    session.send(
        _INSERT_TRANSFER,
        (completed.id, actor.user_id, amount.asset.code, received.asset.code, amount.units, now),
    )
    return completed


def _require_gate_open(session: Session, now: datetime) -> None:
    """Raise `GateClosed`, `PriceStale` or `MarketHalted` unless good prices show that PAXG is close
    to gold."""
    prices = pricing_queries.market_prices_from(
        session.rows(*pricing_queries.price_statement(GATE_PRICES))
    )
    pricing_rules = pricing_queries.current_rules(session)
    require_gate_open(prices, now, pricing_rules, current(session, GateRules))
