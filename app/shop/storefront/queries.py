"""Named reads of the storefront: pages, facets and single products, all of them published."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from app.catalog.categories import queries as categories_queries
from app.catalog.categories.models import CategoryRow
from app.catalog.products import queries as products_queries
from app.catalog.products.models import Product
from app.catalog.products.queries import ProductDetails
from app.catalog.products.rules import OUNCE, ProductForm
from app.catalog.rules import SYNTHETIC, USD, Metal
from app.catalog.search import queries as search_queries
from app.catalog.search.rules import WordSearch
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListQuery, ListSource, fetch_following
from app.kit.money import Amount
from app.kit.pagination import Page
from app.kit.statements import AnySelect, compile_select
from app.shop.images import queries as images_queries
from app.shop.images.queries import ServedImage
from app.shop.prices import listed_prices
from app.shop.prices import queries as prices_queries
from app.shop.prices.listed_prices import ListedPrices, TierPrice
from app.shop.storefront import rules
from app.shop.storefront.rules import PriceBand, ProductSort, WeightBand
from app.vault.stock import queries as stock_queries

#: More than any price: products without one are sorted by it.
_NO_PRICE = 2**62
#: Products with words that are only like those of a search come after the others.
_BEHIND = 10_000_000


@dataclass(frozen=True, slots=True)
class Offer:
    """A product in a list. Weights are in 10^-8 troy ounces."""

    sku: str
    slug: str
    name: str
    short_text: str
    metal: Metal
    form: ProductForm
    category: str | None
    mint: str | None
    year: int | None
    gross_units: int
    fineness: Decimal
    fine_units: int
    #: Units for sale that nothing reserves, wherever goods wait for buyers.
    available: int
    images: Sequence[ServedImage]
    #: What one unit costs from each quantity on; none for a product that is not for sale now.
    tiers: Sequence[TierPrice]

    @property
    def price(self) -> Amount | None:
        """What one unit costs now, before tax and shipping."""
        return self.tiers[0].unit_price if self.tiers else None

    @property
    def gross_weight(self) -> Amount:
        """The gross weight of one unit."""
        return Amount(SYNTHETIC[self.metal], self.gross_units)

    @property
    def fine_weight(self) -> Amount:
        """The fine weight of one unit."""
        return Amount(SYNTHETIC[self.metal], self.fine_units)


@dataclass(frozen=True, slots=True)
class FacetValue:
    """How many of the products that were found have this value."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class OfferPage:
    """A page of products, and the facets of all that were found, if they were asked for."""

    page: Page[Offer]
    facets: Mapping[str, Sequence[FacetValue]] | None


@dataclass(frozen=True, slots=True)
class OfferDetails:
    """A product with its stock and its variants."""

    product: ProductDetails
    offer: Offer
    variants: Sequence[Offer]


@dataclass(frozen=True, slots=True)
class CategoryOffer:
    """A category, and how many published products are in it and below it."""

    slug: str
    name: str
    parent: str | None
    count: int


@dataclass(frozen=True, slots=True)
class _CategoryCount:
    category_id: UUID
    count: int


@dataclass(frozen=True, slots=True)
class OfferSearch:
    """What a customer looks for. `category` is a form or the slug of a category."""

    metal: Metal | None = None
    category: str | None = None
    mint: str | None = None
    weight: WeightBand | None = None
    price: PriceBand | None = None
    in_stock: bool | None = None
    search: str | None = None
    sort: ProductSort = ProductSort.SHOP
    cursor: str | None = None
    limit: int = 50
    facets: bool = False


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


def _join_prices(session: Session, at: datetime, *, many: bool = False) -> ListedPrices:
    offers = sa.join(Product, CategoryRow, CategoryRow.id == Product.category_id, isouter=True)
    return listed_prices.join_prices(offers, at, prices_queries.sale_terms(session, at), many=many)


def _offers(prices: ListedPrices) -> AnySelect:
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
        prices.tiers.label("tiers"),
    ).select_from(prices.joined)


def _to_offer(*, images: Sequence[Any] | None, tiers: Any, **columns: Any) -> Offer:
    return Offer(
        images=images_queries.read_images(images),
        tiers=listed_prices.read_tiers(tiers),
        **columns,
    )


def _conditions(
    search: OfferSearch, words: WordSearch | None, day: date, prices: ListedPrices
) -> list[sa.ColumnElement[bool]]:
    conditions = [products_queries.is_published(day)]
    if search.metal is not None:
        conditions.append(Product.metal == search.metal)
    if search.category is not None:
        form = rules.form_of(search.category)
        conditions.append(
            Product.form == form
            if form is not None
            else categories_queries.is_in(Product.category_id, search.category.lower())
        )
    if search.mint is not None:
        conditions.append(Product.mint == search.mint)
    if search.weight is not None:
        conditions.append(_band() == search.weight)
    if search.price is not None:
        conditions.append(_price_band(prices) == search.price)
    if search.in_stock is not None:
        conditions.append((stock_queries.available_units() > 0) == search.in_stock)
    if search.search is not None:
        found = sa.false() if words is None else _finds(words.wide)
        conditions.append(found)
    return conditions


def _finds(condition: str) -> sa.ColumnElement[bool]:
    return Product.search.bool_op("@@")(sa.cast(condition, TSQUERY))


def list_offers(session: Session, search: OfferSearch) -> OfferPage:
    """Return a page of the published products that were found, in up to three statements: the words
    of the search, the page, and the facets.

    Raises `Invalid` naming `cursor` for one of another search or sort.
    """
    words = None
    if search.search is not None:
        words = search_queries.parse_search(session, search.search)
    now = clock.now()
    is_by_price = search.price is not None or search.sort in rules.PRICE_SORTS
    prices = _join_prices(session, now, many=is_by_price)
    conditions = _conditions(search, words, now.date(), prices)
    place: Any = Product.display_order
    if words is not None:
        is_exact = sa.case((_finds(words.exact), 0), else_=_BEHIND)
        place = sa.cast(is_exact + Product.display_order, sa.Integer)
    sorts = {
        "shop": place,
        "newest": Product.published_from,
        "weight": Product.fine_units,
        "price": sa.func.coalesce(prices.unit_price, _NO_PRICE, type_=sa.BigInteger()),
        "dearest": sa.func.coalesce(-prices.unit_price, _NO_PRICE, type_=sa.BigInteger()),
    }
    names = {ProductSort.NEWEST: "-newest", ProductSort.HEAVIEST: "-weight"}
    source = ListSource(_to_offer, _offers(prices), key=Product.sku, sorts=sorts, filters={})
    query = ListQuery({}, names.get(search.sort, search.sort), search.cursor, search.limit)
    facets = []
    if search.facets:
        of_all = _join_prices(session, now, many=True)
        found_by = _conditions(search, words, now.date(), of_all)
        facets = [compile_select(_facets(found_by, of_all)).statement]
    page, found = fetch_following(session, source.where(*conditions), query, *facets)
    return OfferPage(page, _to_facets(*found) if found else None)


_FACETS = ("metal", "form", "mint", "weight", "price", "in_stock")


def _facets(conditions: Sequence[sa.ColumnElement[bool]], prices: ListedPrices) -> AnySelect:
    found = (
        sa.select(
            sa.cast(Product.metal, sa.Text).label("metal"),
            sa.cast(Product.form, sa.Text).label("form"),
            Product.mint.label("mint"),
            _band().label("weight"),
            _price_band(prices).label("price"),
            sa.case((stock_queries.available_units() > 0, "true"), else_="false").label("in_stock"),
        )
        .select_from(prices.joined)
        .where(*conditions)
        .cte("found")
    )
    counts = [
        sa.select(
            sa.literal(name).label("facet"),
            found.c[name].label("value"),
            sa.func.count().label("count"),
        )
        .where(found.c[name].is_not(None))
        .group_by(found.c[name])
        for name in _FACETS
    ]
    return sa.union_all(*counts).subquery().select().order_by(sa.text("1, 3 DESC, 2"))


def _to_facets(rows: Sequence[Any]) -> Mapping[str, Sequence[FacetValue]]:
    facets: dict[str, list[FacetValue]] = defaultdict(list)
    labels = {
        "form": dict(ProductForm.options()),
        "weight": dict(WeightBand.options()),
        "price": dict(PriceBand.options()),
    }
    for facet, value, count in rows:
        label = labels.get(facet, {}).get(value, value)
        written = value.upper() if facet == "form" else value
        facets[facet].append(FacetValue(written, label, count))
    return {name: facets[name] for name in _FACETS}


def get_offer(session: Session, sku: str) -> OfferDetails:
    """Return a published product by its SKU, with its variants. Raises `NotFound`, also for a
    product that is not published."""
    product = products_queries.get_product(session, sku)
    now = clock.now()
    is_same = Product.sku == product.sku
    if product.variant_group is not None:
        is_same = sa.or_(is_same, Product.variant_group == product.variant_group)
    found = _offers(_join_prices(session, now))
    found = found.where(products_queries.is_published(now.date()), is_same)
    offers = session.select(_to_offer, found.order_by(Product.fine_units, Product.sku))
    own = [offer for offer in offers if offer.sku == product.sku]
    if not own:
        raise NotFound
    [offer] = own
    return OfferDetails(product, offer, [one for one in offers if one is not offer])


def list_category_offers(session: Session) -> Sequence[CategoryOffer]:
    """Return the categories in the order of the tree, each before those below it."""
    counts_select = (
        sa.select(Product.category_id, sa.func.count().label("count"))
        .where(products_queries.is_published(clock.now().date()), Product.category_id.is_not(None))
        .group_by(Product.category_id)
    )
    categories = categories_queries.list_categories(session)
    counts: dict[UUID, int] = defaultdict(int)
    own = {row.category_id: row.count for row in session.select(_CategoryCount, counts_select)}
    for category in categories:
        for each in (*category.above, category):
            counts[each.id] += own.get(category.id, 0)
    return [
        CategoryOffer(
            category.slug,
            category.name,
            category.parent.slug if category.parent else None,
            counts[category.id],
        )
        for category in categories
    ]
