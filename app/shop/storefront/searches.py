"""The statements that find a page of products, and count what was found.

Each is built and compiled once for the filters and the order that it has, because building it takes
longer than running it; its values are parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSQUERY, aggregate_order_by
from sqlalchemy.sql.selectable import FromClause

from app.catalog.categories import queries as categories_queries
from app.catalog.products import queries as products_queries
from app.catalog.products.rules import OUNCE
from app.catalog.rules import USD
from app.kit.statements import AnySelect, CompiledSelect, compile_select
from app.shop.prices import listed_prices
from app.shop.storefront import rules
from app.shop.storefront.models import ProductListing
from app.shop.storefront.rules import PriceBand, ProductSort, WeightBand

#: So many products are compared with frequent words in their order, before an index of words finds
#: all that have them.
_NEAR = 2_000
#: More than any price: products without one are sorted by it.
_NO_PRICE = 2**62
#: Products with words that are only like those of a search come after the others.
_BEHIND = 10_000_000
#: What is counted, in the order of the columns that are counted.
FACETS = ("metal", "form", "mint", "weight", "price", "in_stock")
_LISTINGS: FromClause = sa.inspect(ProductListing).local_table


def _value(name: str, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind)


_ALWAYS = sa.true()
_DAY = _value("day", sa.Date())
_PAGE_ROWS, _AFTER_KEY = _value("page_rows", sa.Integer()), _value("after_key", sa.Text())


def _has_words(row: FromClause, name: str) -> sa.ColumnElement[bool]:
    return row.c.search.bool_op("@@")(sa.cast(_value(name, sa.Text()), TSQUERY))


@dataclass(frozen=True, slots=True)
class OfferShape:
    """What a search has: the names of its filters, its order, whether it has words, whether it
    follows another page, and whether facets are counted."""

    filters: frozenset[str]
    sort: ProductSort
    has_words: bool
    follows: bool
    has_facets: bool

    @property
    def is_by_price(self) -> bool:
        """Whether the price of each product decides if it is found, or where."""
        return "price" in self.filters or self.sort in rules.PRICE_SORTS

    @property
    def is_descending(self) -> bool:
        """Whether the order begins with the most of what products are sorted by."""
        return self.sort in rules.DESCENDING_SORTS


def _weight_band(fine_units: sa.ColumnElement[int]) -> sa.ColumnElement[str]:
    return sa.case(
        *(
            (fine_units < int(end * OUNCE), sa.literal_column(f"'{band}'"))
            for end, band in rules.BAND_ENDS
        ),
        else_=sa.literal_column(f"'{WeightBand.OVER_100}'"),
    )


def _price_band(unit_price: sa.ColumnElement[int]) -> sa.ColumnElement[str | None]:
    """Return the band of a price; null without one."""
    return sa.case(
        (unit_price.is_(None), sa.null()),
        *(
            (unit_price < end * USD.unit, sa.literal_column(f"'{band}'"))
            for end, band in rules.PRICE_ENDS
        ),
        else_=sa.literal_column(f"'{PriceBand.OVER_5000}'"),
    )


#: The filters by name, but for that by price. Their values are parameters of the same name, but for
#: those without one.
_FILTERS: Mapping[str, Callable[[FromClause], sa.ColumnElement[bool]]] = {
    "metal": lambda row: row.c.metal == _value("metal", sa.Text()),
    "form": lambda row: row.c.form == _value("form", sa.Text()),
    "category": lambda row: categories_queries.is_in(
        row.c.category_id, _value("category", sa.Text())
    ),
    "mint": lambda row: row.c.mint == _value("mint", sa.Text()),
    "weight": lambda row: _weight_band(row.c.fine_units) == _value("weight", sa.Text()),
    "in_stock": lambda row: row.c.stocked_places > 0,
    "sold_out": lambda row: row.c.stocked_places == 0,
    "skus": lambda row: row.c.sku == sa.any_(_value("skus", sa.ARRAY(sa.Text))),
}


def _conditions(shape: OfferShape, row: FromClause) -> list[sa.ColumnElement[bool]]:
    return [
        products_queries.is_published(_DAY, row.c.published_from, row.c.published_until),
        *(_FILTERS[name](row) for name in sorted(shape.filters) if name != "price"),
    ]


def _own_terms(row: FromClause) -> sa.ColumnElement[Any]:
    is_known = listed_prices.is_priced_within(row.c.own_terms_from, row.c.own_terms_until)
    read = listed_prices.own_terms_now(row.c.sku)
    return sa.case((is_known, row.c.own_terms), else_=read).label("own_terms")


@lru_cache(maxsize=500)
def page_of_keys(shape: OfferShape) -> CompiledSelect:
    """Return the statement that finds a page. Its only row has what the products are sorted by,
    their SKUs, and the facets: the place of each in `FACETS`, a value, and how many products of
    all that were found have it, the most frequent first. Facets are null if they are not counted.
    """
    page = _found_keys(shape).subquery("page")
    facets = _facets(shape) if shape.has_facets else sa.cast(sa.null(), JSONB)
    key, sort = page.c.key, page.c.sort
    ordered = [sort.desc(), key.desc()] if shape.is_descending else [sort, key]
    return compile_select(
        sa.select(
            sa.func.array_agg(aggregate_order_by(sort, *ordered), type_=sa.ARRAY(sort.type)).label(
                "sorts"
            ),
            sa.func.array_agg(aggregate_order_by(key, *ordered), type_=sa.ARRAY(sa.Text)).label(
                "keys"
            ),
            facets.label("facets"),
        )
    )


def _found_keys(shape: OfferShape) -> AnySelect:
    if not shape.has_words:
        return _first(shape, *_matching(shape, _LISTINGS))
    if shape.sort is ProductSort.SHOP:
        return _exact_first(shape)
    return _with_words(shape, "wide")


def _matching(
    shape: OfferShape, row: FromClause, *further: sa.ColumnElement[bool]
) -> tuple[AnySelect, sa.ColumnElement[Any], sa.ColumnElement[str]]:
    """Return a select of what is found among rows, by what it is sorted, and its key."""
    conditions = [*_conditions(shape, row), *further]
    if not shape.is_by_price:
        return sa.select().select_from(row).where(*conditions), _sort_column(shape, row), row.c.sku
    found = (
        sa.select(
            *(row.c[name] for name in (*_PRICED_BY, *_STORED_SORTS.values(), "sku")),
            _own_terms(row),
        )
        .where(*conditions)
        .subquery("found")
    )
    priced, price = listed_prices.join_unit_prices(found, found.c.own_terms)
    select = sa.select().select_from(priced)
    if "price" in shape.filters:
        select = select.where(_price_band(price) == _value("price", sa.Text()))
    if shape.sort not in rules.PRICE_SORTS:
        return select, _sort_column(shape, found), found.c.sku
    sign = 1 if shape.sort is ProductSort.PRICE else -1
    sort = sa.func.coalesce(price * sign, _NO_PRICE, type_=sa.BigInteger())
    return select, sort, found.c.sku


#: What the price of a product depends on, beside its own rule.
_PRICED_BY = ("metal", "form", "category_id", "gross_units", "fine_units")
_STORED_SORTS: Mapping[ProductSort, str] = {
    ProductSort.SHOP: "display_order",
    ProductSort.NEWEST: "published_from",
    ProductSort.POPULARITY: "popularity",
    ProductSort.WEIGHT: "fine_units",
    ProductSort.HEAVIEST: "fine_units",
}


def _sort_column(shape: OfferShape, row: FromClause) -> sa.ColumnElement[Any]:
    column = row.c[_STORED_SORTS[shape.sort]]
    # Not the column itself: a parameter that is compared with it would get its name.
    return sa.type_coerce(column, column.type)


def _first(
    shape: OfferShape,
    select: AnySelect,
    sort: sa.ColumnElement[Any],
    key: sa.ColumnElement[str],
    behind: int = 0,
) -> AnySelect:
    """Select the keys of a page of what is found; `behind` moves all of it in the order."""
    found = select.add_columns((sort + behind if behind else sort).label("sort"), key.label("key"))
    if shape.follows:
        found = found.where(_is_after(shape, sort, key, behind))
    ordered = (sort, key)
    if shape.is_descending:
        return found.order_by(*(each.desc() for each in ordered)).limit(_PAGE_ROWS)
    return found.order_by(*ordered).limit(_PAGE_ROWS)


def _is_after(
    shape: OfferShape, sort: sa.ColumnElement[Any], key: sa.ColumnElement[str], behind: int
) -> sa.ColumnElement[bool]:
    after: sa.ColumnElement[Any] = _value("after_sort", sort.type)
    edge = sa.tuple_(after - behind if behind else after, _AFTER_KEY)
    position = sa.tuple_(sort, key)
    return position < edge if shape.is_descending else position > edge


def _exact_first(shape: OfferShape) -> AnySelect:
    """Select products with just the words of a search, and others only if these are too few for a
    page."""
    exact = _with_words(shape, "exact").cte("exact")
    others = _with_words(shape, "wide", behind=_BEHIND, only_if=_is_short(exact))
    return _either(sa.select(exact.c.sort, exact.c.key), others)


def _with_words(
    shape: OfferShape, words: str, *, behind: int = 0, only_if: sa.ColumnElement[bool] = _ALWAYS
) -> AnySelect:
    """Select the keys of a page of products with words; those behind have not just these words.

    Frequent words are found among the first products in the order. If these are too few for a page,
    all products with the words are looked up: which words go together, no statistics know.
    """

    def matching(
        row: FromClause, *further: sa.ColumnElement[bool]
    ) -> tuple[AnySelect, sa.ColumnElement[Any], sa.ColumnElement[str]]:
        is_other = [sa.not_(_has_words(row, "exact"))] if behind else []
        return _matching(shape, row, only_if, *is_other, *further)

    # Without OFFSET, the planner would look for them in the order of the page.
    indexed = sa.select(_LISTINGS).where(_has_words(_LISTINGS, words)).offset(0)
    every = indexed.subquery(f"every_{words}")
    if shape.is_by_price:
        return _first(shape, *matching(every), behind)
    first = _first_listings(shape, behind).subquery(f"first_{words}")
    near = _first(shape, *matching(first, _has_words(first, words)), behind).cte(f"near_{words}")
    are_many = sa.select(near.c.sort, near.c.key).where(sa.not_(_is_short(near)))
    return _either(are_many, _first(shape, *matching(every, _is_short(near)), behind))


def _first_listings(shape: OfferShape, behind: int) -> AnySelect:
    sort, sku = _sort_column(shape, _LISTINGS), _LISTINGS.c.sku
    ordered = [sort.desc(), sku.desc()] if shape.is_descending else [sort, sku]
    listings = sa.select(_LISTINGS).where(_LISTINGS.c.published_from.is_not(None))
    if shape.follows:
        listings = listings.where(_is_after(shape, sort, sku, behind))
    return listings.order_by(*ordered).limit(_NEAR)


def _is_short(page: sa.CTE) -> sa.ColumnElement[bool]:
    return sa.select(sa.func.count()).select_from(page).scalar_subquery() < _PAGE_ROWS


def _either(*pages: AnySelect) -> AnySelect:
    either = sa.union_all(*(sa.select(page.subquery()) for page in pages)).subquery()
    return sa.select(either.c.sort, either.c.key)


def _facets(shape: OfferShape) -> sa.ScalarSelect[Any]:
    """Count what is found by `FACETS`. Products that are alike are counted and priced together."""
    words = [_has_words(_LISTINGS, "wide")] if shape.has_words else []
    alike = (
        *(_LISTINGS.c[name] for name in (*_PRICED_BY, "mint")),
        (_LISTINGS.c.stocked_places > 0).label("in_stock"),
        _own_terms(_LISTINGS),
    )
    groups = (
        sa.select(*alike, sa.func.count().label("count"))
        .where(*_conditions(shape, _LISTINGS), *words)
        .group_by(*(sa.text(str(place)) for place in range(1, len(alike) + 1)))
        .subquery("groups")
    )
    priced, price = listed_prices.join_unit_prices(groups, groups.c.own_terms)
    in_bands = sa.select(
        groups.c.metal,
        groups.c.form,
        groups.c.mint,
        _weight_band(groups.c.fine_units).label("weight"),
        _price_band(price).label("price"),
        sa.case((groups.c.in_stock, "true"), else_="false").label("in_stock"),
        groups.c.count,
    ).select_from(priced)
    if "price" in shape.filters:
        in_bands = in_bands.where(_price_band(price) == _value("price", sa.Text()))
    found = in_bands.subquery("in_bands")
    columns = [found.c[name] for name in FACETS]
    # One bit for each column: none for that by which the row is grouped.
    every = 2 ** len(FACETS) - 1
    place = sa.case(
        *(
            (sa.func.grouping(*columns) == every - 2 ** (len(FACETS) - 1 - place), place)
            for place in range(len(FACETS))
        )
    )
    value = sa.func.coalesce(*columns)
    count = sa.cast(sa.func.sum(found.c.count), sa.BigInteger)
    counted = (
        sa.select(place.label("place"), value.label("value"), count.label("count"))
        .group_by(sa.func.grouping_sets(*(sa.tuple_(column) for column in columns)))
        .having(value.is_not(None))
        .subquery("counted")
    )
    each = sa.type_coerce(
        sa.func.jsonb_build_array(counted.c.place, counted.c.value, counted.c.count), JSONB
    )
    ordered = aggregate_order_by(each, counted.c.count.desc(), counted.c.value)
    empty = sa.cast(sa.literal_column("'[]'"), JSONB)
    return sa.select(sa.func.coalesce(sa.func.jsonb_agg(ordered), empty)).scalar_subquery()
