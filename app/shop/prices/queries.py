"""Named reads of price rules, and what goods cost now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.catalog.categories import queries as categories_queries
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductDetails
from app.catalog.products.rules import Publication
from app.catalog.rules import Metal
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Refusal
from app.kit.money import Amount
from app.pricing import queries as pricing_queries
from app.pricing.errors import MarketHalted, PriceStale
from app.settings.queries import current
from app.shop.prices import rules
from app.shop.prices.applicable_rules import (
    LATEST,
    TierOfProduct,
    is_in_effect,
    rules_by_sku,
    tiers_of,
)
from app.shop.prices.errors import NotForSale
from app.shop.prices.models import PriceRuleRow, PriceTierRow
from app.shop.prices.rules import PriceScope, PriceTier, SalePrice, SaleTerms, ShopSettings


@dataclass(frozen=True, slots=True)
class PricedLine:
    """Units of a product with their price, all from the same instant. `spot` is the ask, in US
    dollars per troy ounce; `bid` is what metal that pays for goods is worth."""

    sku: str
    product: ProductDetails
    quantity: int
    unit_price: Amount
    spot: Decimal
    bid: Decimal
    rule_id: UUID
    tier: PriceTier
    after_hours_percent: Decimal
    #: Where the market price is from, and when it was observed.
    source: str
    observed_at: datetime

    @property
    def total(self) -> Amount:
        """What all units cost."""
        return Amount(self.unit_price.asset, self.unit_price.units * self.quantity)

    def price_of(self, ounces: Amount) -> Amount:
        """Return what one unit of this weight costs, such as a bar that has its own."""
        return rules.price_unit(ounces, self.spot, self.tier, self.after_hours_percent)


@dataclass(frozen=True, slots=True)
class UnpricedLine:
    """Units of a product that have no price now, and why."""

    sku: str
    #: None if there is no such product.
    product: ProductDetails | None
    quantity: int
    refusal: Refusal


def price_goods(
    session: Session, wanted: Sequence[tuple[str, int]], at: datetime, *, field: str = "items"
) -> list[PricedLine]:
    """Return what these quantities cost now, each by its SKU, in their order.

    Raises `NotForSale` naming `items.N.sku`, `MarketHalted` and `PriceStale`.
    """
    lines = []
    for line in find_prices(session, wanted, at, field=field):
        if isinstance(line, UnpricedLine):
            raise line.refusal
        lines.append(line)
    return lines


def find_prices(
    session: Session, wanted: Sequence[tuple[str, int]], at: datetime, *, field: str = "items"
) -> list[PricedLine | UnpricedLine]:
    """Return as `price_goods` does, but in place of a line without a price why it has none."""
    known, tiers = session.select_together(
        (ProductDetails, products_queries.OF_SKUS),
        (TierOfProduct, tiers_of()),
        skus=sorted({sku.upper() for sku, _ in wanted}),
        at=at,
    )
    products: dict[str, ProductDetails] = {each.sku: each for each in known}
    found = rules_by_sku(tiers)
    prices = sale_prices(session, {product.metal for product in products.values()}, at)
    lines: list[PricedLine | UnpricedLine] = []
    for index, (text, quantity) in enumerate(wanted):
        sku = text.upper()
        product = products.get(sku)
        unsold = NotForSale(sku, field=f"{field}.{index}.sku")
        if product is None or not _is_published(product, at) or sku not in found:
            lines.append(UnpricedLine(sku, product, quantity, unsold))
            continue
        price = prices[product.metal]
        if isinstance(price, Refusal):
            lines.append(UnpricedLine(sku, product, quantity, price))
            continue
        line = _price(product, quantity, price, *found[sku])
        lines.append(line if line.unit_price else UnpricedLine(sku, product, quantity, unsold))
    return lines


def _price(
    product: ProductDetails,
    quantity: int,
    sale: SalePrice,
    rule_id: UUID,
    tiers: Sequence[PriceTier],
) -> PricedLine:
    tier, market = rules.tier_for(tiers, quantity), sale.price
    unit_price = rules.price_unit(product.accounted, market.ask, tier, sale.after_hours_percent)
    return PricedLine(
        product.sku,
        product,
        quantity,
        unit_price,
        market.ask,
        market.bid,
        rule_id,
        tier,
        sale.after_hours_percent,
        market.source,
        market.as_of,
    )


def _is_published(product: ProductDetails, at: datetime) -> bool:
    first, last = product.published_from, product.published_until
    return Publication.on(at.date(), first, last) is Publication.PUBLISHED


def sale_prices(
    session: Session, metals: set[Metal], at: datetime
) -> Mapping[Metal, SalePrice | MarketHalted | PriceStale]:
    """Return the price of each metal at which goods are sold now, or why none is."""
    market = {price.metal: price for price in pricing_queries.market_prices(session, metals)}
    pricing_rules, terms = pricing_queries.current_rules(session), sale_terms(session, at)
    prices: dict[Metal, SalePrice | MarketHalted | PriceStale] = {}
    for metal in metals:
        try:
            prices[metal] = rules.require_sale_price(market.get(metal), at, pricing_rules, terms)
        except (MarketHalted, PriceStale) as refusal:
            prices[metal] = refusal
    return prices


def read_asks(session: Session) -> Mapping[Metal, Decimal]:
    """Return the last ask of each metal, however old; metals without a price are absent."""
    prices = pricing_queries.market_prices(session)
    return {price.metal: price.ask for price in prices if isinstance(price.metal, Metal)}


def sale_terms(session: Session, at: datetime) -> SaleTerms | None:
    """Return at which prices goods are sold at an instant; None while nothing is."""
    pricing_rules = pricing_queries.current_rules(session)
    return rules.sale_terms(at, pricing_rules, current(session, ShopSettings))


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A version of a rule with its tiers."""

    id: UUID
    scope: PriceScope
    valid_from: datetime
    valid_until: datetime | None
    ended_at: datetime | None
    maker_id: UUID | None
    approval_id: UUID | None
    recorded_at: datetime
    tiers: Sequence[PriceTier]

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(rules.RULE_PREFIX, self.id)

    @property
    def ends_at(self) -> datetime | None:
        """From when on it no longer counts; None until another one replaces it."""
        return min(filter(None, (self.valid_until, self.ended_at)), default=None)


_RULES = sa.select(
    PriceRuleRow.id,
    PriceRuleRow.sku,
    PriceRuleRow.category_id,
    PriceRuleRow.metal,
    PriceRuleRow.form,
    PriceRuleRow.valid_from,
    PriceRuleRow.valid_until,
    PriceRuleRow.ended_at,
    PriceRuleRow.maker_id,
    PriceRuleRow.approval_id,
    PriceRuleRow.recorded_at,
)


def get_rule(session: Session, rule_id: UUID) -> PriceRule:
    """Return a version of a rule. Raises `NotFound`."""
    [rule] = _with_tiers(session, [session.get(dict, _RULES.where(PriceRuleRow.id == rule_id))])
    return rule


def name_products(session: Session, scope: PriceScope) -> str:
    """Return the products of a scope, for people. Raises `NotFound` for a category that is gone."""
    if scope.category_id is not None:
        return categories_queries.get_category(session, scope.category_id).name
    return scope.sku or scope.metal_name


def list_versions(session: Session, rule_ids: Sequence[UUID]) -> Mapping[UUID, PriceRule]:
    """Return those of these versions that there are, by id."""
    select = _RULES.where(PriceRuleRow.id.in_(rule_ids))
    rows: list[dict[str, Any]] = session.select(dict, select)
    return {rule.id: rule for rule in _with_tiers(session, rows)}


def find_version(session: Session, scope: PriceScope, at: datetime) -> PriceRule | None:
    """Return the version of the rule of just this scope that counts at an instant, or None."""
    select = _RULES.where(*is_of(scope), is_in_effect(at)).order_by(*LATEST).limit(1)
    return next(iter(_with_tiers(session, session.select(dict, select))), None)


def is_of(scope: PriceScope) -> list[sa.ColumnElement[bool]]:
    """Match the versions of the rule of just this scope."""
    return [
        PriceRuleRow.sku.is_not_distinct_from(scope.sku),
        PriceRuleRow.category_id.is_not_distinct_from(scope.category_id),
        PriceRuleRow.metal.is_not_distinct_from(scope.metal),
        PriceRuleRow.form.is_not_distinct_from(scope.form),
    ]


@dataclass(frozen=True, slots=True)
class _Tier:
    rule_id: UUID
    from_quantity: int
    percent: Decimal
    per_ounce: Decimal
    per_unit_units: int


def _with_tiers(session: Session, rows: Sequence[dict[str, Any]]) -> list[PriceRule]:
    select = sa.select(
        PriceTierRow.rule_id,
        PriceTierRow.from_quantity,
        PriceTierRow.percent,
        PriceTierRow.per_ounce,
        PriceTierRow.per_unit_units,
    ).where(PriceTierRow.rule_id.in_([row["id"] for row in rows]))
    tiers: dict[UUID, list[PriceTier]] = defaultdict(list)
    for tier in session.select(_Tier, select.order_by(PriceTierRow.from_quantity)) if rows else ():
        tiers[tier.rule_id].append(
            PriceTier(tier.from_quantity, tier.percent, tier.per_ounce, tier.per_unit_units)
        )
    return [
        PriceRule(
            scope=PriceScope(*(row.pop(name) for name in ("sku", "category_id", "metal", "form"))),
            tiers=tiers[row["id"]],
            **row,
        )
        for row in rows
    ]
