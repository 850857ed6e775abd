"""The statements of the storefront. Each is built and compiled once for the filters and the order
that it has, because building it takes longer than running it; its values are parameters.

A page finds the keys of its products first, and reads prices, stock and images of these alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.selectable import FromClause

from app.catalog.categories import queries as categories_queries
from app.catalog.categories.models import CategoryRow
from app.catalog.products import queries as products_queries
from app.catalog.products.models import Product
from app.catalog.products.rules import OUNCE
from app.catalog.rules import USD
from app.kit.list_query import AFTER_KEY, PAGE_ROWS
from app.kit.statements import AnySelect, CompiledSelect, compile_select
from app.shop.images import queries as images_queries
from app.shop.popularity.models import BoughtTogether
from app.shop.prices import listed_prices
from app.shop.prices.listed_prices import ListedPrices
from app.shop.prices.rules import SaleTerms
from app.shop.storefront import rules
from app.shop.storefront.rules import PriceBand, ProductSort, WeightBand
from app.vault.stock import queries as stock_queries

#: How many products have a word decides which index finds them soon, so each search is planned.
PLAN_FOR_VALUES = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"
#: More than any price: products without one are sorted by it.
_NO_PRICE = 2**62
#: Products with words that are only like those of a search come after the others.
_BEHIND = 10_000_000
#: What is counted, in the order of the columns that are counted.
FACETS = ("metal", "form", "mint", "weight", "price", "in_stock")
_PRODUCTS: FromClause = sa.inspect(Product).local_table


def _value(name: str, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind)


_IS_PUBLISHED = products_queries.is_published(_value("day", sa.Date()))
_IS_IN_STOCK = stock_queries.has_available_units()
_IS_EXACT = Product.search.bool_op("@@")(sa.cast(_value("exact", sa.Text()), TSQUERY))
_IS_LIKE = Product.search.bool_op("@@")(sa.cast(_value("wide", sa.Text()), TSQUERY))


@dataclass(frozen=True, slots=True)
class OfferShape:
    """What a search has: the names of its filters, and whether it has words."""

    filters: frozenset[str]
    has_words: bool

    @property
    def is_by_price(self) -> bool:
        """Whether the price of each product decides if it is found."""
        return "price" in self.filters


def general_values(at: datetime, terms: SaleTerms | None) -> Mapping[str, object]:
    """Return the values of the parameters that every statement has."""
    return {"day": at.date(), **listed_prices.price_values(at, terms)}


def _band() -> sa.ColumnElement[str]:
    return sa.case(
        *(
            (Product.fine_units < int(end * OUNCE), sa.literal_column(f"'{band}'"))
            for end, band in rules.BAND_ENDS
        ),
        else_=sa.literal_column(f"'{WeightBand.OVER_100}'"),
    )


def _price_band(prices: ListedPrices) -> sa.ColumnElement[str | None]:
    """Return the band of a product's price; null without one."""
    return sa.case(
        (prices.unit_price.is_(None), sa.null()),
        *(
            (prices.unit_price < end * USD.unit, sa.literal_column(f"'{band}'"))
            for end, band in rules.PRICE_ENDS
        ),
        else_=sa.literal_column(f"'{PriceBand.OVER_5000}'"),
    )


#: The filters by name. Their values are parameters of the same name, but for those without one.
_FILTERS: Mapping[str, Callable[[], sa.ColumnElement[bool]]] = {
    "metal": lambda: Product.metal == _value("metal", sa.Text()),
    "form": lambda: Product.form == _value("form", sa.Text()),
    "category": lambda: categories_queries.is_in(
        Product.category_id, _value("category", sa.Text())
    ),
    "mint": lambda: Product.mint == _value("mint", sa.Text()),
    "weight": lambda: _band() == _value("weight", sa.Text()),
    "in_stock": lambda: _IS_IN_STOCK,
    "sold_out": lambda: sa.not_(_IS_IN_STOCK),
    "skus": lambda: Product.sku == sa.any_(_value("skus", sa.ARRAY(sa.Text))),
}


def _conditions(shape: OfferShape, prices: ListedPrices | None) -> list[sa.ColumnElement[bool]]:
    conditions = [_IS_PUBLISHED]
    conditions += [_FILTERS[name]() for name in sorted(shape.filters) if name != "price"]
    if prices is not None and shape.is_by_price:
        conditions.append(_price_band(prices) == _value("price", sa.Text()))
    return conditions


def join_offers(products: FromClause) -> AnySelect:
    """Return the columns of an `Offer` of each product of a join, which has it as `Product`."""
    with_category = sa.join(
        products, CategoryRow, CategoryRow.id == Product.category_id, isouter=True
    )
    prices = listed_prices.join_prices(with_category, many=False)
    return sa.select(
        Product.sku,
        Product.slug,
        Product.name,
        Product.short_text,
        Product.metal,
        Product.form,
        CategoryRow.slug.label("category"),
        Product.mint,
        Product.year,
        Product.gross_units,
        Product.fineness,
        Product.fine_units,
        stock_queries.available_units().label("available"),
        images_queries.images_of_product().label("images"),
        prices.ask.label("ask"),
        prices.tiers.label("tiers"),
    ).select_from(prices.joined)


@lru_cache(maxsize=500)
def page_of_offers(shape: OfferShape, sort: ProductSort, *, follows: bool) -> CompiledSelect:
    """Return the statement of a page (`kit.list_query.PreparedPage`), the first one or one that
    `follows` another."""
    is_descending = sort in rules.DESCENDING_SORTS
    is_by_price = shape.is_by_price or sort in rules.PRICE_SORTS
    prices = listed_prices.join_prices(_PRODUCTS, many=True) if is_by_price else None
    found = _FoundKeys(
        _PRODUCTS if prices is None else prices.joined,
        _conditions(shape, prices),
        _sort_expression(sort, prices),
        is_descending=is_descending,
        follows=follows,
    )
    if not shape.has_words:
        keys = found.select().subquery("page")
    elif sort is ProductSort.SHOP:
        keys = _exact_first(found).subquery("page")
    else:
        keys = found.select(_IS_LIKE).subquery("page")
    offers = join_offers(keys.join(_PRODUCTS, Product.sku == keys.c.key))
    ordered = (
        [keys.c.sort.desc(), keys.c.key.desc()] if is_descending else [keys.c.sort, keys.c.key]
    )
    page = offers.add_columns(keys.c.sort.label("_sort"), keys.c.key.label("_key"))
    return compile_select(page.order_by(*ordered).limit(PAGE_ROWS))


def _sort_expression(sort: ProductSort, prices: ListedPrices | None) -> sa.ColumnElement[Any]:
    match sort:
        case ProductSort.SHOP:
            return sa.type_coerce(Product.display_order, sa.Integer)
        case ProductSort.NEWEST:
            return sa.type_coerce(Product.published_from, sa.Date)
        case ProductSort.POPULARITY:
            return sa.type_coerce(Product.popularity, sa.Integer)
        case ProductSort.WEIGHT | ProductSort.HEAVIEST:
            return sa.type_coerce(Product.fine_units, sa.BigInteger)
    assert prices is not None, "the others are prices"
    price = prices.unit_price if sort is ProductSort.PRICE else -prices.unit_price
    return sa.func.coalesce(price, _NO_PRICE, type_=sa.BigInteger())


@dataclass(frozen=True, slots=True)
class _FoundKeys:
    """Keys of products in an order, of a page or of what follows one."""

    products: FromClause
    conditions: list[sa.ColumnElement[bool]]
    sort: sa.ColumnElement[Any]
    is_descending: bool
    follows: bool

    def select(self, *further: sa.ColumnElement[bool], behind: int = 0) -> AnySelect:
        """Select the keys of a page; `behind` moves all of them in the order."""
        sort = self.sort + behind if behind else self.sort
        found = (
            sa.select(sort.label("sort"), Product.sku.label("key"))
            .select_from(self.products)
            .where(*self.conditions, *further)
        )
        if self.follows:
            after: sa.ColumnElement[Any] = _value("after_sort", self.sort.type)
            edge = sa.tuple_(after - behind if behind else after, AFTER_KEY)
            position = sa.tuple_(self.sort, Product.sku)
            found = found.where(position < edge if self.is_descending else position > edge)
        ordered = (self.sort, Product.sku)
        if self.is_descending:
            return found.order_by(*(each.desc() for each in ordered)).limit(PAGE_ROWS)
        return found.order_by(*ordered).limit(PAGE_ROWS)


def _exact_first(found: _FoundKeys) -> AnySelect:
    """Select products with just the words of a search, and others only if these are too few for a
    page: many words are found soon in the order of the shop."""
    exact = found.select(_IS_EXACT).cte("exact")
    are_few = sa.select(sa.func.count()).select_from(exact).scalar_subquery() < PAGE_ROWS
    others = found.select(_IS_LIKE, sa.not_(_IS_EXACT), are_few, behind=_BEHIND).subquery("others")
    both = sa.union_all(
        sa.select(exact.c.sort, exact.c.key), sa.select(others.c.sort, others.c.key)
    )
    either = both.subquery("either")
    return sa.select(either.c.sort, either.c.key)


@lru_cache(maxsize=200)
def facets_of_offers(shape: OfferShape) -> CompiledSelect:
    """Return the statement that counts what was found by each of `FACETS`: the place of the facet,
    the value and how many have it, the most frequent first."""
    prices = listed_prices.join_prices(_PRODUCTS, many=True)
    words = [_IS_LIKE] if shape.has_words else []
    found = (
        sa.select(
            sa.cast(Product.metal, sa.Text).label("metal"),
            sa.cast(Product.form, sa.Text).label("form"),
            Product.mint.label("mint"),
            _band().label("weight"),
            _price_band(prices).label("price"),
            sa.case((_IS_IN_STOCK, "true"), else_="false").label("in_stock"),
        )
        .select_from(prices.joined)
        .where(*_conditions(shape, prices), *words)
        .subquery("found")
    )
    columns = [found.c[name] for name in FACETS]
    # One bit for each column: none for that by which the row is grouped.
    every = 2 ** len(FACETS) - 1
    facet = sa.case(
        *(
            (sa.func.grouping(*columns) == every - 2 ** (len(FACETS) - 1 - place), place)
            for place in range(len(FACETS))
        )
    )
    count, value = sa.func.count(), sa.func.coalesce(*columns)
    return compile_select(
        sa.select(facet.label("facet"), value.label("value"), count.label("count"))
        .group_by(sa.func.grouping_sets(*(sa.tuple_(column) for column in columns)))
        .having(value.is_not(None))
        .order_by(count.desc(), value)
    )


_IS_VARIANT = sa.or_(
    Product.sku == _value("sku", sa.Text()),
    Product.variant_group == _value("variant_group", sa.Text()),
)
#: A product and the variants of its group, by weight.
VARIANTS = compile_select(
    join_offers(_PRODUCTS)
    .where(_IS_PUBLISHED, _IS_VARIANT)
    .order_by(Product.fine_units, Product.sku)
)
#: What people buy together with a product, what most of them buy first.
ALSO_BOUGHT = compile_select(
    join_offers(_PRODUCTS.join(BoughtTogether, BoughtTogether.other_sku == Product.sku))
    .where(_IS_PUBLISHED, BoughtTogether.sku == _value("sku", sa.Text()))
    .order_by(BoughtTogether.place)
)
