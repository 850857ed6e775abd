"""Suppliers: the list, and one with its terms and products."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import Form, FormSchema, text_field, tick_field
from app.blueprints.lists import Column, Filter, ListForm, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.products import rules as products_rules
from app.fulfillment.restock.suppliers import queries as suppliers_queries
from app.fulfillment.restock.suppliers import service as suppliers
from app.fulfillment.restock.suppliers.queries import PREFIX
from app.fulfillment.restock.suppliers.service import SupplierTerms
from app.kit import ids
from app.kit.db import Session
from app.vault import rules as vault_rules

blp = PageBlueprint("suppliers", "/admin/suppliers")


class SupplierSchema(FormSchema):
    """A supplier with its terms."""

    name = text_field(
        "Name", "Enter the name.", check=lambda text: vault_rules.clean_text("name", text)
    )
    email = text_field("Email for orders", None)
    payment_days = text_field(
        "Invoices are due after",
        "Enter a number of days.",
        hint="Days from the date of the invoice",
        check=lambda text: vault_rules.parse_units("payment_days", text, least=0),
    )
    lead_days = text_field(
        "Goods arrive after",
        "Enter a number of days.",
        hint="Days from the order",
        check=lambda text: vault_rules.parse_units("lead_days", text, least=0),
    )
    minimum = text_field(
        "Smallest order in US dollars",
        None,
        hint="Like 500.00. Empty: any order.",
        check=suppliers.parse_minimum,
    )
    is_active = tick_field("Goods are ordered from this supplier", None)


class SuppliedProductSchema(FormSchema):
    """A product under the supplier's code."""

    sku = text_field("SKU", "Enter a SKU.", check=products_rules.clean_sku)
    code = text_field(
        "Supplier's code",
        "Enter the code under which the supplier sells it.",
        check=lambda text: vault_rules.clean_text("code", text),
    )


class RemovedProductSchema(FormSchema):
    """A product that is not bought from the supplier any more."""

    sku = text_field("SKU", "Enter a SKU.")


ADD = Form(
    "supplier",
    title="Add a supplier",
    about="A person orders from it. Name its products on its page.",
    schema=SupplierSchema,
    button="Add supplier",
    success="Supplier added.",
    failure="The supplier was not added",
)
CHANGE = Form(
    "terms",
    title="Terms",
    schema=SupplierSchema,
    button="Save terms",
    success="Terms saved.",
    failure="The terms were not saved",
    is_secondary=True,
)
SET_PRODUCT = Form(
    "product",
    title="Add a product",
    about="A product is bought from one supplier at a time: from now on, this one.",
    schema=SuppliedProductSchema,
    button="Save product",
    success="Product saved.",
    failure="The product was not saved",
)
REMOVE_PRODUCT = Form(
    "remove",
    title="Remove a product",
    schema=RemovedProductSchema,
    button="Remove",
    success="Product removed.",
    failure="The product was not removed",
    is_secondary=True,
)
SUPPLIERS = ListPage(
    name="suppliers",
    title="Suppliers",
    about="Who sells goods to us, and on which terms.",
    source=lambda _session, _actor: suppliers_queries.SUPPLIERS,
    columns=(
        Column("name", "Name", lambda row: row.name, sort="name"),
        Column("products", "Products", lambda row: row.products),
        Column("ordered_by", "Ordered by", lambda row: "API" if row.provider else "A person"),
        Column("payment", "Paid after", lambda row: row.payment_days, tooltip="Days"),
        Column("lead", "Arrives after", lambda row: row.lead_days, tooltip="Days"),
        Column("minimum", "Smallest order", lambda row: row.minimum),
        Column("active", "In use", lambda row: "Yes" if row.is_active else "No"),
        Column("added", "Added", lambda row: row.added_at, sort="added", is_hidden=True),
        Column("id", "ID", lambda row: row.public_id, is_hidden=True),
    ),
    row_url=lambda row: url_for("suppliers_pages.show_supplier", supplier_id=row.public_id),
    default_sort="name",
    filters=(Filter("name", "Name"),),
    empty=("No suppliers yet", "Add the first one here."),
)
list_suppliers = blp.add_list(
    "",
    SUPPLIERS,
    permission=Permission.VAULT_READ,
    form=ListForm(ADD, Permission.SUPPLIERS_EDIT, lambda _session, _actor: {}),
)


@blp.form("", ADD, shown_on=list_suppliers, permission=Permission.SUPPLIERS_EDIT)
def add_supplier(session: Session, actor: Actor, fields: Mapping[str, str]) -> str:
    """Add a supplier, and open its page."""
    supplier_id = suppliers.add_supplier(session, actor, SupplierTerms(**fields))
    return url_for("suppliers_pages.show_supplier", supplier_id=ids.encode(PREFIX, supplier_id))


@blp.view("GET", "/<supplier_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_supplier(session: Session, actor: Actor, supplier_id: str) -> Response:
    """Show a supplier: its terms, and what it sells."""
    supplier = suppliers_queries.get_supplier(session, ids.decode(PREFIX, supplier_id))
    return render_page(
        "admin/suppliers/supplier.html",
        supplier=supplier,
        products=suppliers_queries.list_products(session, supplier.id),
        may_edit=Permission.SUPPLIERS_EDIT in actor.permissions,
        terms={
            "name": supplier.name,
            "email": supplier.email,
            "payment_days": str(supplier.payment_days),
            "lead_days": str(supplier.lead_days),
            "minimum": str(supplier.minimum) if supplier.minimum_usd else "",
            "is_active": "yes" if supplier.is_active else "",
        },
        change_form=CHANGE,
        product_form=SET_PRODUCT,
        remove_form=REMOVE_PRODUCT,
    )


@blp.form("/<supplier_id>", CHANGE, shown_on=show_supplier, permission=Permission.SUPPLIERS_EDIT)
def change_supplier(
    session: Session, actor: Actor, fields: Mapping[str, str], supplier_id: str
) -> None:
    """Change the terms of a supplier."""
    terms = SupplierTerms(**fields)
    suppliers.change_supplier(session, actor, ids.decode(PREFIX, supplier_id), terms)


@blp.form(
    "/<supplier_id>/products",
    SET_PRODUCT,
    shown_on=show_supplier,
    permission=Permission.SUPPLIERS_EDIT,
)
def set_product(
    session: Session, actor: Actor, fields: Mapping[str, str], supplier_id: str
) -> None:
    """Say that a product is bought from this supplier."""
    suppliers.set_product(session, actor, ids.decode(PREFIX, supplier_id), **fields)


@blp.form(
    "/<supplier_id>/products/remove",
    REMOVE_PRODUCT,
    shown_on=show_supplier,
    permission=Permission.SUPPLIERS_EDIT,
)
def remove_product(
    session: Session, actor: Actor, fields: Mapping[str, str], supplier_id: str
) -> None:
    """Say that a product is not bought from this supplier any more."""
    suppliers.remove_product(session, actor, ids.decode(PREFIX, supplier_id), fields["sku"])
