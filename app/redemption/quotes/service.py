"""The verbs of quotes: choose pieces and freeze prices, claim a quote for a redemption."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.branches import queries as branches_queries
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductSummary
from app.catalog.products.rules import ProductForm, accounted_units
from app.catalog.rules import METAL_OF, USD, Metal
from app.flags.rules import FeatureCeiling, FulfilmentStrategy
from app.fulfillment.shipping_prices.rules import ShippingRules
from app.fulfillment.strategies.rules import FulfillmentRules
from app.fulfillment.strategies.rules import choose as choose_strategy
from app.kit import clock, ids
from app.kit.countries import parse_country
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.ports import resolve
from app.pricing import queries as pricing_queries
from app.pricing.rules import require_tradable
from app.redemption.errors import NoPieces
from app.redemption.quotes import queries, rules
from app.redemption.quotes.models import RedemptionQuoteItem, RedemptionQuoteRow
from app.redemption.quotes.queries import QuotedItem, RedemptionQuote
from app.redemption.quotes.rules import Pieces, RedemptionCosts, RedemptionRules
from app.settings.queries import current
from app.tax.assessment import Delivery
from app.trading.errors import QuoteExpired, QuoteNotFound
from app.trading.rules import PricePair
from app.vault.bars import queries as bars_queries
from app.vault.locations import queries as locations_queries
from app.vault.stock import queries as stock_queries
from app.vault.stock.queries import FreeUnits

#: Among so many bars of a product the pieces are chosen, those that came first.
_BARS_CONSIDERED = 12
#: How long an expired quote that was never used is kept.
QUOTE_RETENTION = timedelta(days=7)
_NOTHING = Amount(USD, 0)
_FORGET = """
DELETE FROM redemption_quotes WHERE id = ANY (ARRAY(
    SELECT q.id FROM redemption_quotes q WHERE q.expires_at < %s
        AND NOT EXISTS (SELECT FROM redemptions r WHERE r.quote_id = q.id) LIMIT 1000
))
"""


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """The metal that a customer wants as coins or bars, and where they receive them: shipped to a
    country, or at a branch."""

    amount: Amount
    form: ProductForm
    country: str = "US"
    pickup_branch_id: UUID | None = None
    #: Who sends the goods; None leaves it to the rules.
    strategy: FulfilmentStrategy | None = None

    @property
    def destination(self) -> Delivery:
        """How they receive the goods."""
        return Delivery.SHIP if self.pickup_branch_id is None else Delivery.PICKUP

    @property
    def metal(self) -> Metal:
        """The metal."""
        return METAL_OF[self.amount.asset.code]


@dataclass(frozen=True, slots=True)
class _Choice:
    """Pieces with what is known of their products, and whether they come from another country."""

    pieces: Sequence[Pieces]
    products: Mapping[str, ProductSummary]
    is_abroad: bool

    @property
    def ounces_units(self) -> int:
        return sum(each.total_units for each in self.pieces)

    @property
    def dearest_units(self) -> int:
        return max(each.ounces_units for each in self.pieces)


def create_quote(session: Session, actor: Actor, request: QuoteRequest) -> RedemptionQuote:
    """Choose pieces for an amount of metal and keep their costs for the actor. Reserves nothing.

    Raises `Invalid` naming the field, `NoPieces`, `PriceStale` and `MarketHalted`.
    """
    request = _check_destination(session, request)
    now, settings = clock.now(), current(session, RedemptionRules)
    price = _price_of(session, request.metal, now)
    choice = _choose(session, request, settings, now)
    costs = _cost(session, request, choice, price, settings)
    quote = _build(actor.user_id, request, choice, costs, at=now, settings=settings)
    _insert(session, quote)
    return quote


def claim(session: Session, actor: Actor, quote_id: UUID) -> RedemptionQuote:
    """Return the actor's quote, its row locked until the transaction ends: of two redemptions, the
    second one sees the first. Raises `QuoteNotFound`."""
    quote = queries.find_quote(session, quote_id, user_id=actor.user_id, lock=True)
    if quote is None:
        raise QuoteNotFound
    return quote


def require_open(quote: RedemptionQuote, now: datetime) -> None:
    """Raise `QuoteExpired` once the quote has expired."""
    if quote.expires_at <= now:
        raise QuoteExpired


def delete_expired_quotes(session: Session) -> None:
    """Delete the quotes that expired long ago and were never used."""
    session.send(_FORGET, (clock.now() - QUOTE_RETENTION,))


def _check_destination(session: Session, request: QuoteRequest) -> QuoteRequest:
    """Return the request with the code of its country."""
    if request.pickup_branch_id is None:
        return replace(request, country=parse_country("country", request.country))
    branches_queries.require_pickup(session, request.pickup_branch_id)
    return request


def _price_of(session: Session, metal: Metal, now: datetime) -> PricePair:
    price = next(iter(pricing_queries.market_prices(session, [metal])), None)
    market = require_tradable(price, now, pricing_queries.current_rules(session))
    return PricePair(market.bid, market.ask, market.mid)


def _choose(
    session: Session, request: QuoteRequest, settings: RedemptionRules, now: datetime
) -> _Choice:
    """Return the pieces for an amount among what is free. Raises `NoPieces`."""
    products = {
        product.sku: product
        for product in products_queries.list_published_of(
            session, request.metal, request.form, now.date()
        )
    }
    shelves = stock_queries.list_free_units(session, list(products), request.pickup_branch_id)
    free = _free_pieces(session, products, shelves)
    pieces = rules.choose_pieces(request.amount.units, free, settings.pieces_max)
    if pieces is None:
        raise NoPieces
    return _Choice(pieces, products, _is_abroad(session, request, pieces, shelves))


def _free_pieces(
    session: Session, products: Mapping[str, ProductSummary], shelves: Sequence[FreeUnits]
) -> list[Pieces]:
    free: list[Pieces] = []
    with_serials = {each.sku for each in shelves if products[each.sku].is_serialized}
    for sku in sorted({each.sku for each in shelves} - with_serials):
        units = sum(each.units for each in shelves if each.sku == sku)
        free.append(Pieces(sku, products[sku].accounted.units, units))
    if with_serials:
        places = {each.location_id for each in shelves}
        seen = dict.fromkeys(with_serials, 0)
        for bar in bars_queries.list_free_bars(session, with_serials, places):
            seen[bar.sku] += 1
            if seen[bar.sku] <= _BARS_CONSIDERED:
                metal = products[bar.sku].metal
                weight = accounted_units(metal, bar.gross_units, bar.fine_units)
                free.append(Pieces(bar.sku, weight, 1, bar.lot_id))
    return free


def _is_abroad(
    session: Session,
    request: QuoteRequest,
    pieces: Sequence[Pieces],
    shelves: Sequence[FreeUnits],
) -> bool:
    """Return whether pieces that are shipped come from a branch of another country."""
    if request.destination is Delivery.PICKUP:
        return False
    skus = {each.sku for each in pieces}
    places = {each.location_id for each in shelves if each.sku in skus}
    branches = {
        location.branch_id
        for location in locations_queries.locations_by_id(session, places).values()
    }
    addresses = (branches_queries.get_any_branch(session, each).postal for each in sorted(branches))
    return all(each is not None and each.country != request.country for each in addresses)


def _cost(
    session: Session,
    request: QuoteRequest,
    choice: _Choice,
    price: PricePair,
    settings: RedemptionRules,
) -> RedemptionCosts:
    metal = request.amount.asset
    goods = Amount(metal, choice.ounces_units)
    value, goods_value = rules.worth(request.amount, price.mid), rules.worth(goods, price.mid)
    shipping = insurance = _NOTHING
    delivery = current(session, FulfillmentRules)
    sender = choose_strategy(
        delivery,
        resolve(FeatureCeiling).fulfilment_strategy,
        value=goods_value,
        dearest_unit=rules.worth(Amount(metal, choice.dearest_units), price.mid),
        is_abroad=choice.is_abroad,
        requested=request.strategy,
    )
    if request.destination is Delivery.SHIP:
        prices = current(session, ShippingRules)
        shipping = delivery.terms_of(sender.strategy).fee
        shipping += prices.abroad_fee if choice.is_abroad else _NOTHING
        insurance = prices.insurance_fee(goods_value)
    fee, top_up = settings.fee_of(value), rules.buy_ounces(goods - request.amount, price)
    due = fee + shipping + insurance + (top_up.given if top_up else _NOTHING)
    in_metal = rules.sell_for(due, metal, price)
    charges = (fee, shipping, insurance)
    return RedemptionCosts(sender, price, value, goods_value, *charges, top_up, in_metal)


def _build(
    user_id: UUID,
    request: QuoteRequest,
    choice: _Choice,
    costs: RedemptionCosts,
    *,
    at: datetime,
    settings: RedemptionRules,
) -> RedemptionQuote:
    metal, top_up, in_metal = request.amount.asset, costs.top_up, costs.in_metal
    return RedemptionQuote(
        id=ids.new(),
        user_id=user_id,
        asset=metal,
        amount_units=request.amount.units,
        form=request.form,
        destination=request.destination,
        country=request.country if request.pickup_branch_id is None else None,
        pickup_branch_id=request.pickup_branch_id,
        bid=costs.price.bid,
        ask=costs.price.ask,
        mid=costs.price.mid,
        goods_ounces_units=choice.ounces_units,
        value_units=costs.value.units,
        goods_value_units=costs.goods_value.units,
        fee_units=costs.fee.units,
        shipping_units=costs.shipping.units,
        insurance_units=costs.insurance.units,
        top_up_units=costs.top_up_price.units,
        top_up_spread_units=top_up.spread.units if top_up else 0,
        top_up_rounding_units=top_up.rounding.units if top_up else 0,
        total_units=costs.total.units,
        metal_units=in_metal.given.units if in_metal else 0,
        metal_spread_units=in_metal.spread.units if in_metal else 0,
        metal_rounding_units=in_metal.rounding.units if in_metal else 0,
        quoted_at=at,
        expires_at=at + timedelta(minutes=settings.quote_minutes),
        strategy=costs.sender.strategy,
        strategy_reason=costs.sender.reason,
        items=[
            QuotedItem(
                position,
                each.sku,
                choice.products[each.sku].name,
                each.count,
                Amount(metal, each.ounces_units),
                each.lot_id,
            )
            for position, each in enumerate(choice.pieces)
        ],
    )


def _insert(session: Session, quote: RedemptionQuote) -> None:
    names = [column.key for column in sa.inspect(RedemptionQuoteRow).columns]
    columns = {name: getattr(quote, name) for name in names} | {"asset": quote.asset.code}
    items = [
        {
            "quote_id": quote.id,
            "position": item.position,
            "sku": item.sku,
            "quantity": item.quantity,
            "ounces_units": item.ounces.units,
            "lot_id": item.lot_id,
        }
        for item in quote.items
    ]
    session.insert((RedemptionQuoteRow, [columns]), (RedemptionQuoteItem, items))
