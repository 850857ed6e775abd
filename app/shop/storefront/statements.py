"""The statements of the storefront that read what customers see of products. Values are parameters,
so that each is built once.

A page finds the SKUs of its products in `listings` first (`searches.py`), and then reads prices,
stock and images of these alone.
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.sql.selectable import FromClause

from app.catalog.categories.models import CategoryRow
from app.catalog.products import queries as products_queries
from app.catalog.products.models import Product
from app.kit.statements import AnySelect, compile_select
from app.shop.images import queries as images_queries
from app.shop.popularity.models import BoughtTogether
from app.shop.prices import listed_prices
from app.shop.prices.rules import SaleTerms
from app.vault.stock import queries as stock_queries

#: How many products a filter leaves decides which index finds a page soon, so that such a statement
#: is planned for its values. A search with words, and products by their SKUs, always take the same
#: way: planning these each time would take longer than running them. No page takes several cores.
PLAN_FOR_VALUES, PLAN_ONCE = (
    f"SELECT set_config('plan_cache_mode', '{mode}', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
    for mode in ("force_custom_plan", "force_generic_plan")
)
#: Sent before facets: products that are alike are found by hashing, quicker than by sorting
#: where many are alike. No statistics know how many are.
GROUP_BY_HASH = "SELECT set_config('enable_sort', 'off', true)"
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


def _offers_of_keys() -> AnySelect:
    unnested = sa.func.unnest(sa.bindparam("keys", type_=sa.ARRAY(sa.Text)))
    keys = unnested.table_valued(
        sa.column("key", sa.Text), with_ordinality="place", name="keys"
    ).render_derived()
    offers = join_offers(keys.join(_PRODUCTS, Product.sku == keys.c.key))
    return offers.order_by(keys.c.place)


#: The products with these SKUs, in their order.
OFFERS = compile_select(_offers_of_keys())
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
