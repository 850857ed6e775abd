"""Named reads of the storefront: pages, facets and single products, all of them published."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.catalog.categories import queries as categories_queries
from app.catalog.products import queries as products_queries
from app.catalog.products.models import Product
from app.catalog.products.queries import ProductDetails
from app.catalog.products.rules import ProductForm, accounted_units
from app.catalog.rules import SYNTHETIC, Metal
from app.catalog.search import queries as search_queries
from app.catalog.search import rules as search_rules
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import PreparedPage, decode_edge, fetch_prepared
from app.kit.money import Amount
from app.kit.pagination import Page
from app.kit.statements import CompiledSelect
from app.shop.images import queries as images_queries
from app.shop.images.queries import ServedImage
from app.shop.prices import listed_prices
from app.shop.prices import queries as prices_queries
from app.shop.prices.listed_prices import TierPrice
from app.shop.storefront import rules, searches, statements
from app.shop.storefront.rules import PriceBand, ProductSort, WeightBand
from app.shop.storefront.searches import FACETS, OfferShape


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
    #: The price of its metal, in US dollars per troy ounce; None while it is not sold.
    ask: Decimal | None
    #: What one unit costs from each quantity on; none for a product that is not for sale now.
    tiers: Sequence[TierPrice]

    @property
    def price(self) -> Amount | None:
        """What one unit costs now, before tax and shipping."""
        return self.tiers[0].unit_price if self.tiers else None

    @property
    def price_per_fine_ounce(self) -> Decimal | None:
        """What an ounce of fine metal costs in it, in US dollars; None without a price."""
        if self.price is None:
            return None
        return rules.price_per_fine_ounce(self.price, self.fine_weight)

    @property
    def premium_percent(self) -> Decimal | None:
        """By how many percent it costs more than its metal at the ask; None without a price."""
        if self.price is None or self.ask is None:
            return None
        units = accounted_units(self.metal, self.gross_units, self.fine_units)
        return rules.premium_percent(self.price, Amount(SYNTHETIC[self.metal], units), self.ask)

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
    """A product with its stock and its variants, and what people buy together with it, what most
    people buy first."""

    product: ProductDetails
    offer: Offer
    variants: Sequence[Offer]
    also_bought: Sequence[Offer]


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
    #: Just these products, to compare them.
    skus: Sequence[str] | None = None
    search: str | None = None
    sort: ProductSort = ProductSort.SHOP
    cursor: str | None = None
    limit: int = 50
    facets: bool = False


def _to_offer(*, images: Sequence[Any] | None, tiers: Any, **columns: Any) -> Offer:
    return Offer(
        images=images_queries.read_images(images),
        tiers=listed_prices.read_tiers(tiers),
        **columns,
    )


_SORT_TYPES: Mapping[ProductSort, type] = defaultdict(lambda: int, {ProductSort.NEWEST: date})


def list_offers(session: Session, search: OfferSearch) -> OfferPage:
    """Return a page of the published products that were found, in up to three statements: the words
    of the search, the page, and the facets.

    Raises `Invalid` naming `cursor` for one of another search or sort.
    """
    filters = _filters_of(search)
    values: dict[str, object] = dict(filters)
    if search.weight is not None:
        values["weight_from"], values["weight_below"] = rules.weights_in(search.weight)
    if search.price is not None:
        values["price_from"], values["price_below"] = rules.prices_in(search.price)
    if search.cursor is not None:
        sort_type = _SORT_TYPES[search.sort]
        values |= decode_edge(search.cursor, search.sort, sort_type, str)
    words = None
    if search.search is not None:
        words = search_queries.parse_search(session, search.search)
        if words is None:
            return OfferPage(
                Page([], None), {name: [] for name in FACETS} if search.facets else None
            )
        # Metal and form are words of a product as well: an index leaves out the others.
        also = [str(filters[name]).lower() for name in ("metal", "form") if name in filters]
        values |= {
            "exact": search_rules.narrow(words.exact, also),
            "wide": search_rules.narrow(words.wide, also),
        }
    now = clock.now()
    values |= statements.general_values(now, prices_queries.sale_terms(session, now))
    shape = OfferShape(
        frozenset(filters),
        search.sort,
        has_words=words is not None,
        has_others=words is not None and not words.is_exact,
        follows=search.cursor is not None,
    )
    page = statements.page_of_offers(shape)
    facets = [searches.facets_of_offers(shape.of_any_page)] if search.facets else []
    session.send(statements.PLAN_ONCE)
    found, counted = fetch_prepared(
        session,
        PreparedPage(_to_offer, page, search.sort),
        search.limit,
        _known(page, values),
        *(facet.with_values(_known(facet, values)) for facet in facets),
    )
    return OfferPage(found, _to_facets(*counted) if counted else None)


def _filters_of(search: OfferSearch) -> dict[str, object]:
    """Return the filters of a search with their values."""
    form = rules.form_of(search.category) if search.category is not None else None
    filters: dict[str, object] = {
        "metal": search.metal,
        "form": form,
        "category": search.category.lower() if search.category and form is None else None,
        "mint": search.mint,
        "weight": search.weight,
        "price": search.price,
        "in_stock": search.in_stock or None,
        "sold_out": search.in_stock is False or None,
        "skus": list(search.skus) if search.skus is not None else None,
    }
    return {name: value for name, value in filters.items() if value is not None}


def _known(statement: CompiledSelect, values: Mapping[str, object]) -> Mapping[str, object]:
    """Return the values of a statement's parameters, but for those that a page adds."""
    return {name: values[name] for name in statement.parameters if name in values}


def _to_facets(rows: Sequence[Any]) -> Mapping[str, Sequence[FacetValue]]:
    facets: dict[str, list[FacetValue]] = {name: [] for name in FACETS}
    labels = {
        "form": dict(ProductForm.options()),
        "weight": dict(WeightBand.options()),
        "price": dict(PriceBand.options()),
    }
    for place, value, count in rows:
        facet = FACETS[place]
        label = labels.get(facet, {}).get(value, value)
        written = value.upper() if facet == "form" else value
        facets[facet].append(FacetValue(written, label, count))
    return facets


def get_offer(session: Session, sku: str) -> OfferDetails:
    """Return a published product by its SKU, with its variants and what is bought with it. Raises
    `NotFound`, also for a product that is not published."""
    product = products_queries.get_product(session, sku)
    now = clock.now()
    values = {
        "sku": product.sku,
        **statements.general_values(now, prices_queries.sale_terms(session, now)),
    }
    variant_group = product.variant_group
    offers = session.select(_to_offer, statements.VARIANTS, variant_group=variant_group, **values)
    own = [offer for offer in offers if offer.sku == product.sku]
    if not own:
        raise NotFound
    [offer] = own
    variants = [one for one in offers if one is not offer]
    also_bought = session.select(_to_offer, statements.ALSO_BOUGHT, **values)
    return OfferDetails(product, offer, variants, also_bought)


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
