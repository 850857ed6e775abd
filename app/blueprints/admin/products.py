"""Products: what is kept and sold, and what customers see of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin import location_field
from app.blueprints.admin.product_forms import (
    ADD_IMAGE,
    ADD_PRODUCT,
    DESCRIBE_PRODUCT,
    MOVE_IMAGE,
    PUBLISH_PRODUCT,
    REMOVE_IMAGE,
    SELL_PRODUCT,
    SET_REORDER_POINT,
)
from app.blueprints.lists import ChoiceFilter, Column, EnumFilter, Filter, ListForm, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rate_limits import RateLimit
from app.blueprints.rendering import render_page
from app.catalog.categories import queries as categories_queries
from app.catalog.products import queries as products_queries
from app.catalog.products import service
from app.catalog.products.queries import ProductSummary
from app.catalog.products.rules import ProductForm, Publication
from app.catalog.products.service import NewProduct
from app.catalog.rules import PRICED_NAMES, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.shop.images import queries as images_queries
from app.shop.images import service as images
from app.shop.prices.guard import keep_prices
from app.shop.prices.rules import PriceScope
from app.vault.reorder_points import queries as reorder_points_queries
from app.vault.reorder_points import service as reorder_points

blp = PageBlueprint("products", "/admin/products")


def _publication(product: ProductSummary) -> Publication:
    return Publication.on(clock.now().date(), product.published_from, product.published_until)


def _list_choices(session: Session, _actor: Actor | None = None) -> list[tuple[str, str]]:
    """Return the categories to choose from."""
    return [
        (category.slug, category.full_name)
        for category in categories_queries.list_categories(session)
    ]


PRODUCTS = ListPage(
    name="products",
    title="Products",
    about="Coins, bars, rounds, sheets and coils that are kept and sold.",
    source=lambda _session, _actor: products_queries.PRODUCTS,
    columns=(
        Column("sku", "SKU", lambda product: product.sku, sort="sku", is_code=True),
        Column("name", "Name", lambda product: product.name),
        Column("metal", "Metal", lambda product: PRICED_NAMES[product.metal].capitalize()),
        Column("form", "Form", lambda product: product.form.label),
        Column("fineness", "Fineness", lambda product: str(product.fineness)),
        Column("fine", "Fine weight", lambda product: product.fine_weight),
        Column("publication", "Publication", _publication),
        Column("reorder", "Low below", lambda product: product.reorder_below),
        Column("added", "Added", lambda product: product.added_at, sort="added", is_hidden=True),
    ),
    row_url=lambda product: url_for("products_pages.show_product", sku=product.sku),
    default_sort="sku",
    filters=(
        Filter("sku", "SKU"),
        EnumFilter("form", "Form", ProductForm),
        ChoiceFilter("category", "Category", choices=_list_choices),
    ),
    empty=("No products yet", "Add the first one here."),
)
list_products = blp.add_list(
    "",
    PRODUCTS,
    permission=Permission.VAULT_READ,
    form=ListForm(ADD_PRODUCT, Permission.PRODUCTS_EDIT),
)


@blp.form("", ADD_PRODUCT, shown_on=list_products, permission=Permission.PRODUCTS_EDIT)
def add_product(session: Session, actor: Actor, fields: Mapping[str, str]) -> str:
    """Add a product."""
    sku = service.add_product(
        session,
        actor,
        NewProduct(
            sku=fields["sku"],
            name=fields["name"],
            metal=Metal(fields["metal"]),
            form=ProductForm(fields["product_form"]),
            gross=fields["gross"],
            fineness=fields["fineness"],
            fine=fields["fine"] or None,
            reorder_below=int(fields["reorder_below"]),
            tax_class=TaxClass(fields["tax_class"]),
            is_serialized=bool(fields["is_serialized"]),
        ),
    )
    return url_for("products_pages.show_product", sku=sku)


@blp.view("GET", "/<sku>", permission=Permission.VAULT_READ)
def show_product(session: Session, actor: Actor, sku: str) -> Response:
    """Show a product, and the forms to change what can change about it."""
    product = products_queries.get_product(session, sku)
    return render_page(
        "admin/products/product.html",
        product=product,
        metal_name=PRICED_NAMES[product.metal].capitalize(),
        publication=_publication(product),
        may_edit=Permission.PRODUCTS_EDIT in actor.permissions,
        images=images_queries.list_images(session, product.sku),
        image_forms={"add": ADD_IMAGE, "ahead": MOVE_IMAGE, "remove": REMOVE_IMAGE},
        reorder_points=reorder_points_queries.list_reorder_points(session, product.sku),
        reorder_form=SET_REORDER_POINT,
        locations=location_field.list_choices(session),
        categories=_list_choices(session),
        forms=(
            (PUBLISH_PRODUCT, "products_pages.publish_product"),
            (DESCRIBE_PRODUCT, "products_pages.describe_product"),
            (SELL_PRODUCT, "products_pages.sell_product"),
        ),
    )


@blp.form(
    "/<sku>/publication",
    PUBLISH_PRODUCT,
    shown_on=show_product,
    permission=Permission.PRODUCTS_EDIT,
)
def publish_product(session: Session, actor: Actor, fields: Mapping[str, str], sku: str) -> None:
    """Change when customers see the product."""
    service.change_product(session, actor, sku, fields)


@blp.form(
    "/<sku>/description",
    DESCRIBE_PRODUCT,
    shown_on=show_product,
    permission=Permission.PRODUCTS_EDIT,
)
def describe_product(session: Session, actor: Actor, fields: Mapping[str, str], sku: str) -> None:
    """Change what customers read about the product."""
    with keep_prices(session, PriceScope(sku=sku.upper()), "category"):
        service.change_product(session, actor, sku, fields)


@blp.form("/<sku>/sale", SELL_PRODUCT, shown_on=show_product, permission=Permission.PRODUCTS_EDIT)
def sell_product(session: Session, actor: Actor, fields: Mapping[str, str], sku: str) -> None:
    """Change how the product is taxed and sold."""
    service.change_product(session, actor, sku, fields)


@blp.form(
    "/<sku>/images",
    ADD_IMAGE,
    shown_on=show_product,
    permission=Permission.PRODUCTS_EDIT,
    rate_limit=RateLimit.UPLOAD,
)
def add_image(session: Session, actor: Actor, fields: Mapping[str, Any], sku: str) -> None:
    """Add an image to the product."""
    file = fields["file"]
    images.add_image(session, actor, sku, raw=file.content, name=file.name, alt=fields["alt"])


@blp.form(
    "/<sku>/images/ahead", MOVE_IMAGE, shown_on=show_product, permission=Permission.PRODUCTS_EDIT
)
def move_image_ahead(session: Session, actor: Actor, fields: Mapping[str, str], sku: str) -> None:
    """Move an image of the product before the one ahead of it."""
    images.move_image_ahead(session, actor, sku, _read_image(fields))


@blp.form(
    "/<sku>/images/remove",
    REMOVE_IMAGE,
    shown_on=show_product,
    permission=Permission.PRODUCTS_EDIT,
)
def remove_image(session: Session, actor: Actor, fields: Mapping[str, str], sku: str) -> None:
    """Delete an image of the product."""
    images.remove_image(session, actor, sku, _read_image(fields))


def _read_image(fields: Mapping[str, str]) -> UUID:
    image_id = ids.try_decode(images_queries.PREFIX, fields["image"])
    if image_id is None:
        raise Invalid("image", "Choose an image of the product.")
    return image_id


@blp.form(
    "/<sku>/reorder-points",
    SET_REORDER_POINT,
    shown_on=show_product,
    permission=Permission.PRODUCTS_EDIT,
)
def set_reorder_point(session: Session, actor: Actor, fields: Mapping[str, str], sku: str) -> None:
    """Set from how many units on the product is low at a location."""
    reorder_points.set_reorder_point(session, actor, sku, **fields)
