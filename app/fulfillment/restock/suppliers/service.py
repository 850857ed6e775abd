"""The verbs of suppliers: add one, change its terms, say what it sells."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.rules import USD
from app.fulfillment.restock.suppliers import queries
from app.fulfillment.restock.suppliers.models import Supplier, SupplierProduct
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount, InvalidAmount
from app.vault.rules import clean_text, parse_units

_EMAIL_LENGTH_MAX, _PAYMENT_DAYS_MAX, _LEAD_DAYS_MAX = 254, 180, 365


@dataclass(frozen=True, slots=True)
class SupplierTerms:
    """A supplier as staff enter it: `minimum` is in US dollars, days are whole numbers."""

    name: str
    email: str
    payment_days: str
    lead_days: str
    minimum: str
    #: Not empty while goods are ordered from it.
    is_active: str = ""


def add_supplier(
    session: Session, actor: Actor | None, terms: SupplierTerms, *, provider: str | None = None
) -> UUID:
    """Add a supplier, and return its id. With `provider` its orders are placed by that one's API;
    `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `SupplierExists`.
    """
    _require(actor)
    supplier_id, values = ids.new(), _read(terms)
    session.write(
        sa.insert(Supplier).values(
            id=supplier_id, provider=provider, added_at=clock.now(), **values
        )
    )
    _record(session, actor, AuditAction.SUPPLIER_ADDED, supplier_id, after=values)
    return supplier_id


def change_supplier(
    session: Session, actor: Actor, supplier_id: UUID, terms: SupplierTerms
) -> None:
    """Change the terms of a supplier. Raises as `add_supplier` does, and `NotFound`."""
    _require(actor)
    before, values = queries.get_supplier(session, supplier_id), _read(terms)
    session.write(sa.update(Supplier).where(Supplier.id == supplier_id).values(**values))
    old = {name: getattr(before, name) for name in values}
    _record(session, actor, AuditAction.SUPPLIER_CHANGED, supplier_id, before=old, after=values)


def set_product(
    session: Session, actor: Actor | None, supplier_id: UUID, *, sku: str, code: str
) -> None:
    """Say that a product is bought from this supplier under a code, and from no other one.

    Raises `PermissionDenied`, `NotFound`, `Invalid` naming the field, and `SupplierCodeTaken`.
    """
    _require(actor)
    supplier = queries.get_supplier(session, supplier_id)
    product = products_queries.find_product(session, sku)
    if product is None:
        raise Invalid("sku", "There is no product with this SKU. Check it.")
    values = {"supplier_id": supplier.id, "code": clean_text("code", code)}
    session.write(
        insert(SupplierProduct)
        .values(sku=product.sku, **values)
        .on_conflict_do_update(index_elements=["sku"], set_=values)
    )
    after = {"sku": product.sku, "code": values["code"]}
    _record(session, actor, AuditAction.SUPPLIER_PRODUCT_SET, supplier.id, after=after)


def remove_product(session: Session, actor: Actor, supplier_id: UUID, sku: str) -> None:
    """Say that a product is not bought from this supplier any more. Raises `PermissionDenied`, and
    `NotFound` unless it is."""
    _require(actor)
    listed = {each.sku: each for each in queries.list_products(session, supplier_id)}
    found = listed.get(sku.upper())
    if found is None:
        raise NotFound
    session.write(
        sa.delete(SupplierProduct).where(
            SupplierProduct.sku == found.sku, SupplierProduct.supplier_id == supplier_id
        )
    )
    before = {"sku": found.sku, "code": found.code}
    _record(session, actor, AuditAction.SUPPLIER_PRODUCT_SET, supplier_id, before=before)


def _require(actor: Actor | None) -> None:
    if actor is not None:
        require(actor, Permission.SUPPLIERS_EDIT)


def _read(terms: SupplierTerms) -> dict[str, object]:
    email = terms.email.strip()
    if email and ("@" not in email or not email.isprintable() or len(email) > _EMAIL_LENGTH_MAX):
        raise Invalid("email", "Enter an email address, like orders@example.com.")
    return {
        "name": clean_text("name", terms.name),
        "email": email,
        "payment_days": _parse_days("payment_days", terms.payment_days, _PAYMENT_DAYS_MAX),
        "lead_days": _parse_days("lead_days", terms.lead_days, _LEAD_DAYS_MAX),
        "minimum_usd": parse_minimum(terms.minimum).units,
        "is_active": bool(terms.is_active),
    }


def parse_minimum(text: str) -> Amount:
    """Return a sum of US dollars, zero for an empty text. Raises `Invalid` naming `minimum`."""
    if not text:
        return Amount(USD, 0)
    try:
        return Amount.parse(USD, text)
    except InvalidAmount as error:
        raise Invalid("minimum", "Enter a sum in US dollars, like 500.00.") from error


def _parse_days(field: str, text: str, most: int) -> int:
    days = parse_units(field, text, least=0)
    if days > most:
        raise Invalid(field, f"Enter a whole number from 0 to {most}.")
    return days


def _record(
    session: Session,
    actor: Actor | None,
    action: AuditAction,
    supplier_id: UUID,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject=ids.encode(queries.PREFIX, supplier_id),
        before=before,
        after=after,
    )
