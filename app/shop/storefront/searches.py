"""The statements that find a page of products, and count what was found.

Each is built and compiled once for the filters and the order that it has, because building it takes
longer than running it; its values are parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.selectable import FromClause

from app.catalog.categories import queries as categories_queries
from app.catalog.products import queries as products_queries
from app.catalog.products.rules import OUNCE
from app.catalog.rules import USD
from app.kit.list_query import AFTER_KEY, PAGE_ROWS
from app.kit.statements import AnySelect, CompiledSelect, compile_select
from app.shop.prices import listed_prices
from app.shop.storefront import rules
from app.shop.storefront.models import ProductListing
from app.shop.storefront.rules import PriceBand, ProductSort, WeightBand

#: So many products are compared with frequent words in their order, before an index of words finds
#: all that have them.
_NEAR = 1_500
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


def _has_words(row: FromClause, name: str) -> sa.ColumnElement[bool]:
    return row.c.search.bool_op("@@")(sa.cast(_value(name, sa.Text()), TSQUERY))


@dataclass(frozen=True, slots=True)
class OfferShape:
    """What a search has: the names of its filters, its order, whether it has words and finds others
    than products with just these, and whether it follows another page."""

    filters: frozenset[str]
    sort: ProductSort
    has_words: bool
    has_others: bool
    follows: bool

    @property
    def is_by_price(self) -> bool:
        """Whether the price of each product decides if it is found, or where."""
        return "price" in self.filters or self.sort in rules.PRICE_SORTS

    @property
    def of_any_page(self) -> "OfferShape":
        """The shape of what is found, whatever its order and the page."""
        return replace(self, sort=ProductSort.SHOP, has_others=False, follows=False)

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


def _is_within(column: sa.ColumnElement[int], name: str) -> sa.ColumnElement[bool]:
    """Match numbers in a band (`rules.weights_in`, `rules.prices_in`)."""
    least, below = (_value(f"{name}_{end}", sa.BigInteger()) for end in ("from", "below"))
    return sa.and_(column >= least, column < below)


#: Once, as a statement filters several times.
_WITHIN = categories_queries.within(_value("category", sa.Text()))
#: The filters by name, but for that by price. Their values are parameters of the same name, two for
#: a band; some have none.
_FILTERS: Mapping[str, Callable[[FromClause], sa.ColumnElement[bool]]] = {
    "metal": lambda row: row.c.metal == _value("metal", sa.Text()),
    "form": lambda row: row.c.form == _value("form", sa.Text()),
    "category": lambda row: row.c.category_id.in_(_WITHIN),
    "mint": lambda row: row.c.mint == _value("mint", sa.Text()),
    "weight": lambda row: _is_within(row.c.fine_units, "weight"),
    "in_stock": lambda row: row.c.stocked_places > 0,
    "sold_out": lambda row: row.c.stocked_places == 0,
    "skus": lambda row: row.c.sku == sa.any_(_value("skus", sa.ARRAY(sa.Text))),
}


def _conditions(
    shape: OfferShape, row: FromClause, words: str | None
) -> list[sa.ColumnElement[bool]]:
    return [
        products_queries.is_published(_DAY, row.c.published_from, row.c.published_until),
        *(_FILTERS[name](row) for name in sorted(shape.filters) if name != "price"),
        *([_has_words(row, words)] if words else []),
    ]


def _has_known_terms(row: FromClause) -> sa.ColumnElement[bool]:
    return listed_prices.is_priced_within(row.c.own_terms_from, row.c.own_terms_until)


def _own_terms(row: FromClause) -> sa.ColumnElement[Any]:
    read = listed_prices.own_terms_now(row.c.sku)
    return sa.case((_has_known_terms(row), row.c.own_terms), else_=read).label("own_terms")


def found_keys(shape: OfferShape) -> AnySelect:
    """Return the select of the SKUs of a page, as `key`, with what they are sorted by, as `sort`:
    at most `PAGE_ROWS`, in any order."""
    if not shape.has_words:
        return _page(shape, None)
    if shape.sort is ProductSort.SHOP and shape.has_others:
        return _exact_first(shape)
    return _page(shape, "wide")


def _sorted(
    shape: OfferShape, row: FromClause
) -> tuple[AnySelect, sa.ColumnElement[Any], sa.ColumnElement[str]]:
    """Return a select from rows, of those in a band of prices if it filters by one; by what they
    are sorted; and their key."""
    if not shape.is_by_price:
        return sa.select().select_from(row), _sort_column(shape, row), row.c.sku
    columns = dict.fromkeys((*_PRICED_BY, *_STORED_SORTS.values(), "sku"))
    found = sa.select(*(row.c[name] for name in columns), _own_terms(row)).subquery("found")
    priced, price = listed_prices.join_unit_prices(found, found.c.own_terms)
    select = sa.select().select_from(priced)
    if "price" in shape.filters:
        select = select.where(_is_within(price, "price"))
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
    shape: OfferShape, row: FromClause, behind: int, *further: sa.ColumnElement[bool]
) -> AnySelect:
    """Select the keys of a page of rows; `behind` moves all of them in the order."""
    select, sort, key = _sorted(shape, row)
    found = select.add_columns((sort + behind if behind else sort).label("sort"), key.label("key"))
    if shape.follows:
        further = (*further, _is_after(shape, sort, key, behind))
    return found.where(*further).order_by(*in_order(shape, sort, key)).limit(PAGE_ROWS)


def in_order(
    shape: OfferShape, sort: sa.ColumnElement[Any], key: sa.ColumnElement[str]
) -> list[sa.ColumnElement[Any]]:
    """Return the order of keys by what they are sorted by."""
    return [sort.desc(), key.desc()] if shape.is_descending else [sort, key]


def _is_after(
    shape: OfferShape, sort: sa.ColumnElement[Any], key: sa.ColumnElement[str], behind: int
) -> sa.ColumnElement[bool]:
    after: sa.ColumnElement[Any] = _value("after_sort", sort.type)
    edge = sa.tuple_(after - behind if behind else after, AFTER_KEY)
    position = sa.tuple_(sort, key)
    return position < edge if shape.is_descending else position > edge


def _exact_first(shape: OfferShape) -> AnySelect:
    """Select products with just the words of a search, and others only if these are too few for a
    page."""
    exact = _page(shape, "exact").cte("exact")
    others = _page(shape, "wide", behind=_BEHIND, only_if=_is_short(exact))
    return _either(sa.select(exact.c.sort, exact.c.key), others)


def _page(
    shape: OfferShape,
    words: str | None,
    *,
    behind: int = 0,
    only_if: sa.ColumnElement[bool] = _ALWAYS,
) -> AnySelect:
    """Select the keys of a page of products, with words or without; those behind have not just the
    words of the search.

    What is frequent is found among the first products in the order. If these are too few for a
    page, all products are looked up by an index of words, or one after the other: how many a search
    finds, no statistics know, as words and filters depend on each other.
    """

    def matching(row: FromClause) -> AnySelect:
        is_other = [sa.not_(_has_words(row, "exact"))] if behind else []
        return sa.select(row).where(*_conditions(shape, row, words), *is_other)

    # Without OFFSET, the planner might look for all of them in the order of the page.
    every = matching(_LISTINGS).offset(0).subquery(f"every_{words}")
    if shape.sort in rules.PRICE_SORTS or "skus" in shape.filters:
        return _first(shape, every, behind, only_if)
    first = _first_listings(shape, behind).subquery(f"first_{words}")
    found = matching(first).subquery(f"found_{words}")
    near = _first(shape, found, behind, only_if).cte(f"near_{words}")
    are_many = sa.select(near.c.sort, near.c.key).where(sa.not_(_is_short(near)))
    return _either(are_many, _first(shape, every, behind, only_if, _is_short(near)))


def _first_listings(shape: OfferShape, behind: int) -> AnySelect:
    sort, sku = _sort_column(shape, _LISTINGS), _LISTINGS.c.sku
    listings = sa.select(_LISTINGS).where(_LISTINGS.c.published_from.is_not(None))
    if shape.follows:
        listings = listings.where(_is_after(shape, sort, sku, behind))
    return listings.order_by(*in_order(shape, sort, sku)).limit(_NEAR)


def _is_short(page: sa.CTE) -> sa.ColumnElement[bool]:
    return sa.select(sa.func.count()).select_from(page).scalar_subquery() < PAGE_ROWS


def _either(*pages: AnySelect) -> AnySelect:
    either = sa.union_all(*(sa.select(page.subquery()) for page in pages)).subquery()
    return sa.select(either.c.sort, either.c.key)


@lru_cache(maxsize=200)
def facets_of_offers(shape: OfferShape) -> CompiledSelect:
    """Return the statement that counts what was found by each of `FACETS`: the place of the facet,
    the value and how many have it, the most frequent first. Products that are alike are counted and
    priced together."""
    # Terms that are to be read from the rules are read for each product, once they are grouped.
    is_known = _has_known_terms(_LISTINGS)
    alike = (
        *(_LISTINGS.c[name] for name in (*_PRICED_BY, "mint")),
        _LISTINGS.c.own_terms.label("known_terms"),
        (_LISTINGS.c.stocked_places > 0).label("in_stock"),
        sa.case((is_known, sa.null()), else_=_LISTINGS.c.sku).label("other_sku"),
    )
    counted = (
        sa.select(*alike, sa.func.count().label("count"))
        .where(*_conditions(shape, _LISTINGS, "wide" if shape.has_words else None))
        .group_by(*(sa.text(str(place)) for place in range(1, len(alike) + 1)))
        .subquery("alike")
    )
    read = listed_prices.own_terms_now(counted.c.other_sku)
    own_terms = sa.case((counted.c.other_sku.is_(None), counted.c.known_terms), else_=read)
    groups = sa.select(counted, own_terms.label("own_terms")).subquery("groups")
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
        in_bands = in_bands.where(_is_within(price, "price"))
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
    return compile_select(
        sa.select(place.label("place"), value.label("value"), count.label("count"))
        .group_by(sa.func.grouping_sets(*(sa.tuple_(column) for column in columns)))
        .having(value.is_not(None))
        .order_by(count.desc(), value)
    )
