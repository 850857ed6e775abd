"""The verbs of products: add one, change its details."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.categories.models import CategoryRow
from app.catalog.models import AssetRow
from app.catalog.products import details, queries, rules
from app.catalog.products.errors import GtinTaken, SkuTaken, SlugTaken
from app.catalog.products.models import Product
from app.catalog.products.queries import ProductDetails
from app.catalog.products.rules import ProductForm, WeightBasis
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock
from app.kit.db import Session, register_refusal
from app.kit.errors import Invalid
from app.kit.statements import compile_statement

register_refusal("assets_pkey", lambda _detail: SkuTaken())
register_refusal("products_slug_key", lambda _detail: SlugTaken())
register_refusal("products_gtin_key", lambda _detail: GtinTaken())

#: What a new product has until staff change it.
_AT_FIRST: Mapping[str, object] = {
    "short_text": "",
    "long_text": "",
    "is_legal_tender": False,
    "restricted_states": [],
    "display_order": 1000,
}

_SET_POPULARITY = """
WITH changed AS (
    SELECT p.sku, coalesce(c.value::integer, 0) AS people
    FROM products p LEFT JOIN jsonb_each_text(%s::jsonb) AS c ON c.key = p.sku
    WHERE p.popularity <> coalesce(c.value::integer, 0)
)
UPDATE products SET popularity = changed.people FROM changed WHERE products.sku = changed.sku
"""


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to add, as staff describe it: weights in troy ounces. Without a declared fine
    weight it is gross weight by fineness."""

    sku: str
    name: str
    metal: Metal
    form: ProductForm
    gross: str
    fineness: str
    fine: str | None = None
    reorder_below: int = 5
    _: KW_ONLY
    tax_class: TaxClass
    is_serialized: bool = False


def add_product(session: Session, actor: Actor | None, product: NewProduct) -> str:
    """Add a product and return its SKU. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `SkuTaken`.
    """
    if actor is not None:
        require(actor, Permission.PRODUCTS_EDIT)
    sku, name = rules.clean_sku(product.sku), rules.clean_name(product.name)
    gross = rules.parse_ounces("gross", product.gross)
    fineness = rules.parse_fineness(product.fineness)
    declared = rules.parse_ounces("fine", product.fine) if product.fine else None
    rules.check_serials(product.form, is_serialized=product.is_serialized)
    values = {
        "sku": sku,
        "name": name,
        "metal": product.metal,
        "form": product.form,
        "gross_units": gross,
        "fineness": fineness,
        "fine_units": rules.fine_units(gross, fineness, declared),
        "weight_basis": WeightBasis.DECLARED if product.fine else WeightBasis.MEASURED,
        "is_serialized": product.is_serialized,
        "tax_class": product.tax_class,
        "slug": rules.default_slug(sku),
        "reorder_below": product.reorder_below,
    }
    session.write(sa.insert(AssetRow).values(code=sku, scale=0, name=name))
    session.write(sa.insert(Product).values(**_AT_FIRST, **values, added_at=clock.now()))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PRODUCT_ADDED,
        subject=sku,
        after={name: str(value) for name, value in values.items()},
    )
    return sku


def change_product(
    session: Session, actor: Actor | None, sku: str, texts: Mapping[str, str]
) -> Sequence[str]:
    """Change these details of a product, given as texts by name; return the names of those that
    differ from before. `actor` is None on the command line.

    Raises `PermissionDenied`, `NotFound`, `Invalid` naming the detail, `SlugTaken` and `GtinTaken`.
    """
    if actor is not None:
        require(actor, Permission.PRODUCTS_EDIT)
    return change_locked_product(session, actor, queries.lock_product(session, sku), texts)


def change_locked_product(
    session: Session, actor: Actor | None, product: ProductDetails, texts: Mapping[str, str]
) -> Sequence[str]:
    """Change details of a product that this transaction has locked, and not changed since. Returns
    and raises as `change_product`."""
    if actor is not None:
        require(actor, Permission.PRODUCTS_EDIT)
    entered = {name: details.parse(name, text) for name, text in texts.items()}
    details.check_together({name: getattr(product, name) for name in details.NAMES} | entered)
    before = product.texts
    changed = {
        name: value for name, value in entered.items() if details.write(value) != before[name]
    }
    if changed:
        values = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in changed.items()
        }
        if "category" in values:
            values["category_id"] = _find_category(session, values.pop("category"))
        session.write(sa.update(Product).where(Product.sku == product.sku).values(**values))
        audit.record(
            session,
            actor=actor,
            action=AuditAction.PRODUCT_CHANGED,
            subject=product.sku,
            before={name: before[name] for name in changed},
            after={name: details.write(value) for name, value in changed.items()},
        )
    return tuple(changed)


def set_popularity(session: Session, people: Mapping[str, int]) -> None:
    """Store how many people bought each product lately, by SKU; all others were bought by none."""
    session.send(_SET_POPULARITY, (json.dumps(dict(people)),))


def _find_category(session: Session, slug: object) -> UUID | None:
    if slug is None:
        return None
    # Locked, so that it is not deleted before the product is in it.
    select = sa.select(CategoryRow.id).where(CategoryRow.slug == slug)
    select = select.with_for_update(read=True, key_share=True)
    category_id: UUID | None = session.optional_value(*compile_statement(select))
    if category_id is None:
        raise Invalid("category", "There is no such category. Choose one of the list.")
    return category_id
