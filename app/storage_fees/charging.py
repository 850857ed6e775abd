"""Post charges: from dollars, from metal where the customer agreed to its sale, or as a debt.

Dollars pay first. What they do not cover is paid by selling the least metal at the bid, where the
customer consents to that: of the metal with the largest fee that has enough. The sale is a part of
the charge's own entry and bears no fee. While its market does not trade the charge waits for some
days. What is left becomes a receivable, which the ledger collects from whatever comes in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.catalog.rules import SYNTHETIC, USD, Metal
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Refusal
from app.kit.formatting import format_amount, format_price
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.service import NewPosting
from app.notifications import service as notifications
from app.notifications.fee_kinds import StorageFeeCharged, StorageFeeOwed
from app.outbox import service as outbox
from app.pricing import queries as pricing_queries
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.rules import require_tradable
from app.settings.queries import current
from app.storage_fees import queries, rules
from app.storage_fees.ports import SaleConsents
from app.storage_fees.queries import Charge
from app.storage_fees.rules import TRANSITIONS, ChargeStatus, StorageFeeRules
from app.trading.rules import (
    DOLLAR_PRICE,
    Conversion,
    ConversionTerms,
    PricePair,
    convert_received,
)

CHARGE_CAUSE = "storage_fee"
#: The time between two tries to charge, and how many charges are tried at a time.
_PAUSE = timedelta(hours=1)
_BATCH = 2_000

_STAGE = """
UPDATE storage_charges SET try_at = %(next)s WHERE id = ANY (ARRAY(
    SELECT id FROM storage_charges WHERE status = 'due' AND try_at <= %(now)s
    ORDER BY try_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING id
"""
_CHARGED = """
UPDATE storage_charges SET status = %s, reference = %s, charged_at = %s, dollar_units = %s,
    sale_units = %s, owed_units = %s, sold_asset = %s, sold_units = %s, sale_price = %s
WHERE id = %s
"""


class _MarketDoesNotTrade(Exception):
    """The metal that would be sold has no price to sell at now."""


@dataclass(frozen=True, slots=True)
class _Payment:
    """How a charge is paid: the three amounts add up to its fee."""

    dollars: Amount
    sale: Conversion | None
    owed: Amount

    @property
    def sold_for(self) -> Amount:
        """What the sold metal pays."""
        return self.sale.received if self.sale else Amount(USD, 0)


def stage_due(session: Session) -> None:
    """Stage the job of every charge that is due, those that waited longest first."""
    now = clock.now()
    values = {"now": now, "next": now + _PAUSE, "limit": _BATCH}
    for (charge_id,) in session.rows(_STAGE, values):
        outbox.stage(session, "storage_fees.charge", {"charge_id": str(charge_id)})


def charge(session: Session, charge_id: UUID) -> None:
    """Post a charge, once; leave it due while its metal cannot be sold and it may still wait.

    The database raises `InsufficientFunds` where the balance was spent meanwhile: try again.
    """
    due = queries.lock_charge(session, charge_id)
    if due.status is not ChargeStatus.DUE:
        return
    now = clock.now()
    try:
        payment = _find_payment(session, due, now)
    except _MarketDoesNotTrade:
        return
    _post(session, due, payment, now)
    _notify(session, due, payment)


def _find_payment(session: Session, due: Charge, now: datetime) -> _Payment:
    """Return how a charge is paid now. Raises `_MarketDoesNotTrade` while it may wait for a
    sale."""
    free = {
        each.asset: each.posted - each.held
        for each in ledger_queries.customer_balances(session, due.user_id)
    }
    dollars = Amount(USD, min(free.get(USD.code, 0), due.fee.units))
    missing = due.fee - dollars
    sale = None
    if missing and resolve(SaleConsents).agreed(session, due.user_id):
        try:
            sale = _find_sale(session, tuple(due.fees), missing, free, now)
        except _MarketDoesNotTrade:
            wait = timedelta(days=current(session, StorageFeeRules).sale_wait_days)
            if now < due.closed_at + wait:
                raise
    return _Payment(dollars, sale, Amount(USD, 0) if sale else missing)


def _find_sale(
    session: Session,
    metals: Sequence[Metal],
    missing: Amount,
    free: dict[str, int],
    now: datetime,
) -> Conversion | None:
    """Return the sale of the least metal that pays `missing`, of the first metal that has enough;
    None if none has. Raises `_MarketDoesNotTrade` if one that may have enough cannot be sold."""
    pricing_rules = pricing_queries.current_rules(session)
    prices = {each.metal: each for each in pricing_queries.market_prices(session, metals)}
    refusal: Refusal | None = None
    for metal in metals:
        asset = SYNTHETIC[metal]
        if not free.get(asset.code):
            continue
        try:
            price = require_tradable(prices.get(metal), now, pricing_rules)
        except (MarketHalted, PriceStale) as error:
            refusal = error
            continue
        pair = PricePair(price.bid, price.ask, price.mid)
        terms = ConversionTerms(asset, USD, pair, DOLLAR_PRICE, 0)
        sale = convert_received(terms, missing)
        if sale is not None and sale.given.units <= free[asset.code]:
            return sale
    if refusal is not None:
        raise _MarketDoesNotTrade from refusal
    return None


def _post(session: Session, due: Charge, payment: _Payment, now: datetime) -> None:
    sale = payment.sale
    session.send(
        _CHARGED,
        (
            TRANSITIONS.transition(due.status, ChargeStatus.CHARGED),
            due.public_id,
            now,
            payment.dollars.units,
            payment.sold_for.units,
            payment.owed.units,
            sale and sale.given.asset.code,
            sale and sale.given.units,
            sale and sale.price,
            due.id,
        ),
    )
    ledger.post(
        session,
        cause=CHARGE_CAUSE,
        reference=due.public_id,
        posted_at=now,
        postings=[
            ledger.debit(chart.customer(due.user_id, USD), payment.dollars),
            ledger.debit(chart.receivable(due.user_id, USD), payment.owed),
            *(_postings_of_sale(due.user_id, sale) if sale else ()),
            *(
                ledger.credit(chart.storage_fees(USD, metal), fee)
                for metal, fee in due.fees.items()
            ),
        ],
    )


def _postings_of_sale(user_id: UUID, sale: Conversion) -> list[NewPosting]:
    """Return the postings of metal that passes into the position at mid; PBCEx keeps the spread, as
    in an order, and the dollars pay the fee."""
    kept = sale.spread + sale.rounding
    return [
        ledger.debit(chart.customer(user_id, sale.given.asset), sale.given),
        ledger.credit(chart.position(sale.given.asset), sale.given),
        ledger.debit(chart.position(USD), sale.received + kept),
        ledger.credit(chart.spread(USD), sale.spread),
        ledger.credit(chart.rounding(USD), sale.rounding),
    ]


def _notify(session: Session, charged: Charge, payment: _Payment) -> None:
    explanation = "\n".join(line.explanation for line in charged.lines)
    month = rules.format_month(charged.month)
    parts = []
    if payment.dollars:
        parts.append(f"{format_amount(payment.dollars)} from your dollars")
    if payment.sale:
        parts.append(
            f"{format_amount(payment.sold_for)} by selling {format_amount(payment.sale.given)}"
            f" at {format_price(payment.sale.price)}"
        )
    paid = ", ".join(parts)
    common = charged.public_id, month, charged.fee
    message = (
        StorageFeeOwed(*common, payment.owed, paid, explanation)
        if payment.owed
        else StorageFeeCharged(*common, paid, explanation)
    )
    notifications.notify(session, message, to=charged.user_id, event=charged.public_id)
