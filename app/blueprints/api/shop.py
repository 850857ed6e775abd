"""The shop: products and categories."""

from typing import Any

from app.blueprints.api.schemas import shop as schemas_shop
from app.blueprints.api_blueprint import ApiBlueprint
from app.kit.db import Session
from app.kit.errors import NotFound
from app.shop.storefront import queries as storefront_queries
from app.shop.storefront.queries import OfferSearch

blp = ApiBlueprint("shop", "/api/shop", "Products and categories")


@blp.operation(
    "GET",
    "/products",
    operation_id="shopProducts",
    public=True,
    query_schema=schemas_shop.OffersQuerySchema,
    response_schema=schemas_shop.OffersSchema,
)
def list_products(session: Session, query: dict[str, Any]) -> object:
    """List the products that are for sale, as the shop orders them.

    Filters narrow each other. With `skus` it compares products: what a fine ounce costs in each,
    and its premium. Facets count all products that were found, not only those of the
    page.
    """
    return storefront_queries.list_offers(session, OfferSearch(**query))


@blp.operation(
    "GET",
    "/products/<sku>",
    operation_id="shopProduct",
    public=True,
    response_schema=schemas_shop.OfferDetailsSchema,
    refusals=(NotFound,),
)
def get_product(session: Session, sku: str) -> object:
    """Return a product with its variants, and what people buy together with it."""
    return storefront_queries.get_offer(session, sku)


@blp.operation(
    "GET",
    "/categories",
    operation_id="shopCategories",
    public=True,
    response_schema=schemas_shop.CategoryOffersSchema,
)
def list_categories(session: Session) -> object:
    """List the categories in the order of the tree."""
    return {"data": storefront_queries.list_category_offers(session)}
