"""Prices of many products within one statement, for lists that show, filter and sort by them.

They are those of `queries.price_goods`, to the cent. The statements are compiled once: instant and
terms of the sale are parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import FromClause

from app.catalog.products.models import Product
from app.catalog.products.rules import OUNCE, accounted_units
from app.catalog.rules import USD, Metal
from app.kit.money import Amount
from app.kit.statements import SqlInstant
from app.pricing.models import MarketHalt, MarketPriceRow
from app.shop.prices.applicable_rules import (
    TermsOfScopes,
    own_terms_at,
    with_rule,
    with_terms,
)
from app.shop.prices.models import PriceTierRow
from app.shop.prices.rules import SaleTerms

#: The metals that are accounted by gross ounces.
_BY_GROSS = [metal for metal in Metal if accounted_units(metal, 2, 1) == 2]  # noqa: PLR2004 - gross
_HUNDREDTH = Decimal("0.01")
_NUMERIC = sa.Numeric()
_INSTANT = sa.DateTime(timezone=True)
_AT = sa.bindparam("priced_at", type_=_INSTANT)
_FRESH_AT = sa.bindparam("fresh_at", type_=_INSTANT)
#: Once, as a statement may price some goods to find them and others to count them.
_SCOPES = TermsOfScopes.at(_AT)
_AFTER_HOURS = sa.bindparam("after_hours_percent", type_=_NUMERIC)
#: No price is fresh so late: nothing is sold then.
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TierPrice:
    """What one unit costs from a quantity on."""

    from_quantity: int
    unit_price: Amount


@dataclass(frozen=True, slots=True)
class ListedPrices:
    """A join of products with their prices, and the expressions to select."""

    joined: FromClause
    #: The price of the metal, in US dollars per troy ounce; null while it is not sold.
    ask: sa.ColumnElement[Decimal | None]
    #: Pairs of the first quantity of a tier and its unit price in cents; null without a price.
    tiers: sa.ColumnElement[Any]


def price_values(at: datetime, terms: SaleTerms | None) -> Mapping[str, object]:
    """Return the values of the parameters of `join_prices`: of an instant, and of the terms of its
    sales. Without terms nothing is sold."""
    return {
        "priced_at": at,
        "fresh_at": _NEVER if terms is None else terms.fresh_at,
        "after_hours_percent": Decimal(0) if terms is None else terms.after_hours_percent,
    }


def join_prices(products: FromClause) -> ListedPrices:
    """Join prices to a few products, which the join has as `Product`."""
    joined, rule_id = with_rule(products, _AT)
    joined, ask = _join_market(joined, sa.inspect(Product).local_table.c.metal)
    return ListedPrices(joined, ask, _tier_prices(rule_id, ask, _AFTER_HOURS))


def join_unit_prices(
    goods: FromClause, own_terms: sa.ColumnElement[Any]
) -> tuple[FromClause, sa.ColumnElement[int]]:
    """Join to many goods what one unit costs, in cents; null without a price. The goods have the
    columns of a product that its price depends on, and the terms of its own rule."""
    joined, terms = with_terms(goods, _SCOPES, own_terms)
    joined, ask = _join_market(joined, goods.c.metal)
    return joined, _unit_price(terms, ask, _AFTER_HOURS, goods.c)


def own_terms_now(sku: sa.ColumnElement[str]) -> sa.ScalarSelect[Any]:
    """Return the terms of a product's own rule at the instant of the prices, read from the rules
    (`applicable_rules.own_terms_at`)."""
    return own_terms_at(_AT, sku)


def is_priced_within(first: SqlInstant, end: SqlInstant) -> sa.ColumnElement[bool]:
    """Return whether the instant of the prices is one from `first` on and before `end`."""
    return sa.and_(first <= _AT, end > _AT)


def _join_market(
    goods: FromClause, metal: sa.ColumnElement[Any]
) -> tuple[FromClause, sa.ColumnElement[Decimal | None]]:
    market = aliased(MarketPriceRow, name="market")
    is_halted = sa.exists().where(MarketHalt.asset == market.metal, MarketHalt.lifted_at.is_(None))
    is_sold = sa.and_(market.metal == metal, market.fresh_until >= _FRESH_AT, sa.not_(is_halted))
    return goods.outerjoin(market, is_sold), sa.type_coerce(market.ask, _NUMERIC)


def tiers_at_asks(
    products: FromClause, at: datetime, asks: Mapping[Metal, Decimal]
) -> tuple[FromClause, sa.ColumnElement[Any]]:
    """Join the rules at an instant to products; return the join, and the pairs of quantity and unit
    price in cents by these asks, whatever the market does."""
    joined, rule_id = with_rule(products, at, many=True)
    ask = sa.case(
        *((Product.metal == metal, sa.literal(price, _NUMERIC)) for metal, price in asks.items()),
        else_=sa.cast(sa.null(), _NUMERIC),
    )
    return joined, _tier_prices(rule_id, ask, Decimal(0))


def _tier_prices(rule_id: Any, ask: Any, after_hours: Any) -> sa.ColumnElement[Any]:
    pair = postgresql.array(
        [
            sa.cast(PriceTierRow.from_quantity, sa.BigInteger),
            _unit_price(PriceTierRow, ask, after_hours),
        ]
    )
    ordered = postgresql.aggregate_order_by(pair, PriceTierRow.from_quantity)
    return (
        sa.select(sa.func.array_agg(ordered))
        .where(PriceTierRow.rule_id == rule_id, ask.is_not(None))
        .correlate_except(PriceTierRow)
        .scalar_subquery()
    )


def _unit_price(
    tier: Any, ask: Any, after_hours: Any, goods: Any = Product
) -> sa.ColumnElement[int]:
    """Return `rules.price_unit` of a product as an expression: exact, rounded half up; null where
    it is zero, as such a product is not for sale."""
    # An IN could not be compiled beside parameters that get their values later.
    is_by_gross = sa.or_(*(goods.metal == metal for metal in _BY_GROSS))
    units = sa.case((is_by_gross, goods.gross_units), else_=goods.fine_units)
    ounces = sa.cast(units, _NUMERIC) * sa.literal(Decimal(1) / OUNCE, _NUMERIC)
    share = 1 + (tier.percent + sa.cast(after_hours, _NUMERIC)) * sa.literal(_HUNDREDTH, _NUMERIC)
    cents = (ounces * ask * share + ounces * tier.per_ounce) * USD.unit + tier.per_unit_units
    return sa.func.nullif(sa.cast(sa.func.round(cents), sa.BigInteger), 0, type_=sa.BigInteger())


def read_tiers(pairs: Sequence[tuple[int, int | None]] | None) -> list[TierPrice]:
    """Return the prices of a product by quantity, of the value of `ListedPrices.tiers`; none for a
    product without a price."""
    return [
        TierPrice(from_quantity, Amount(USD, cents))
        for from_quantity, cents in pairs or ()
        if cents is not None
    ]
