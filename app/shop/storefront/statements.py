"""The statements that read what customers see of products. Values are parameters: each statement is
built and compiled once.

A page finds the SKUs of its products in `listings` first (`searches.py`), and reads prices, stock
and images of these alone.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.sql.selectable import FromClause

from app.catalog.categories.models import CategoryRow
from app.catalog.products import queries as products_queries
from app.catalog.products.models import Product
from app.kit.list_query import PAGE_ROWS
from app.kit.statements import AnySelect, CompiledSelect, compile_select
from app.shop.images import queries as images_queries
from app.shop.popularity.models import BoughtTogether
from app.shop.prices import listed_prices
from app.shop.prices.rules import SaleTerms
from app.shop.storefront.searches import OfferShape, found_keys, in_order
from app.vault.stock import queries as stock_queries

#: A page and its facets take the same way whatever is looked for: to plan them each time would take
#: longer than to run them. No page takes several cores.
PLAN_ONCE = (
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)
#: More than a page has, so that the planner expects few.
_ROWS_MAX = 1_000
_PRODUCTS: FromClause = sa.inspect(Product).local_table


def general_values(at: datetime, terms: SaleTerms | None) -> Mapping[str, object]:
    """Return the values of the parameters that every statement has."""
    return {"day": at.date(), **listed_prices.price_values(at, terms)}


def join_offers(products: FromClause) -> AnySelect:
    """Return the columns of an `Offer` of each product of a join, which has it as `Product`."""
    with_category = sa.join(
        products, CategoryRow, CategoryRow.id == Product.category_id, isouter=True
    )
    prices = listed_prices.join_prices(with_category)
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
def page_of_offers(shape: OfferShape) -> CompiledSelect:
    """Return the statement of a page (`kit.list_query.PreparedPage`)."""
    keys = found_keys(shape).limit(_ROWS_MAX).subquery("page")
    offers = join_offers(keys.join(_PRODUCTS, Product.sku == keys.c.key))
    ordered = in_order(shape, keys.c.sort, keys.c.key)
    page = offers.add_columns(keys.c.sort.label("_sort"), keys.c.key.label("_key"))
    return compile_select(page.order_by(*ordered).limit(PAGE_ROWS))


_IS_PUBLISHED = products_queries.is_published(sa.bindparam("day", type_=sa.Date()))
_IS_VARIANT = sa.or_(
    Product.sku == sa.bindparam("sku", type_=sa.Text()),
    Product.variant_group == sa.bindparam("variant_group", type_=sa.Text()),
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
    .where(_IS_PUBLISHED, BoughtTogether.sku == sa.bindparam("sku", type_=sa.Text()))
    .order_by(BoughtTogether.place)
)
