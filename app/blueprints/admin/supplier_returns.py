"""Returns of goods to their suppliers. Two people book them."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin import location_field
from app.blueprints.admin.serials_field import serials_field
from app.blueprints.forms import Form, FormSchema, choice_field, reason_field, text_field
from app.blueprints.lists import Column, Filter, ListForm, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.products import rules as products_rules
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.vault import rules as vault_rules
from app.vault.supplier_returns import queries as supplier_returns_queries
from app.vault.supplier_returns import service as supplier_returns
from app.vault.supplier_returns.queries import PREFIX
from app.vault.supplier_returns.service import NewSupplierReturn

blp = PageBlueprint("supplier_returns", "/admin/vault/returns")


class SupplierReturnSchema(FormSchema):
    """Units that go back to their supplier."""

    sku = text_field("SKU", "Enter a SKU.", check=products_rules.clean_sku)
    location = choice_field("Location", "Choose a location.")
    units = text_field(
        "Units",
        "Enter how many units go back.",
        check=lambda text: vault_rules.parse_units("units", text),
    )
    serials = serials_field()
    supplier = text_field(
        "Supplier",
        "Enter the supplier.",
        hint="As on the page Deliveries",
        check=lambda text: vault_rules.clean_text("supplier", text),
    )
    supplier_reference = text_field(
        "Supplier's reference",
        "Enter the number under which the supplier takes the goods back.",
        hint="Like the number of the credit note",
        check=lambda text: vault_rules.clean_text("supplier_reference", text),
    )
    reason = reason_field()


REQUEST = Form(
    "return",
    title="Request a return",
    about="Of units in quarantine. A second person must approve that they go back. What they cost"
    " is then taken off what we owe the supplier, whose first delivery counts first.",
    schema=SupplierReturnSchema,
    button="Request return",
    success="Return requested. Another person has to approve it.",
    failure="The return was not requested",
)
RETURNS = ListPage(
    name="supplier_returns",
    title="Returns to suppliers",
    about="Goods that went back from quarantine to those who delivered them, at what they cost.",
    source=lambda _session, _actor: supplier_returns_queries.RETURNS,
    columns=(
        Column("returned", "Returned", lambda row: row.returned_at, sort="returned"),
        Column("sku", "SKU", lambda row: row.sku, is_code=True),
        Column("location", "Location", lambda row: row.location_code, is_code=True),
        Column("units", "Units", lambda row: row.units),
        Column("ounces", "Ounces", lambda row: row.ounces, tooltip="As the metal is accounted"),
        Column("cost", "Cost", lambda row: row.cost),
        Column("premium", "Premium", lambda row: row.premium, tooltip="Cost above the metal"),
        Column("supplier", "Supplier", lambda row: row.supplier),
        Column("reference", "Supplier's reference", lambda row: row.supplier_reference),
        Column(
            "approved_by",
            "Approved by",
            lambda row: PersonCell(row.approved_by),
            is_hidden=True,
        ),
        Column("id", "ID", lambda row: row.public_id, is_hidden=True),
    ),
    row_url=lambda row: url_for("supplier_returns_pages.show_return", return_id=row.public_id),
    default_sort="-returned",
    filters=(Filter("sku", "SKU"), location_field.location_filter()),
    empty=("No returns yet", "They appear here once a second person has approved them."),
)
list_supplier_returns = blp.add_list(
    "",
    RETURNS,
    permission=Permission.VAULT_READ,
    form=ListForm(
        REQUEST,
        Permission.VAULT_ADJUST,
        lambda session, _actor: {"location": location_field.list_choices(session)},
    ),
)


@blp.form("", REQUEST, shown_on=list_supplier_returns, permission=Permission.VAULT_ADJUST)
def request_return(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Request that goods go back to their supplier, which a second person approves."""
    wanted = NewSupplierReturn(**{name: text for name, text in fields.items() if name != "reason"})
    supplier_returns.request_return(session, actor, wanted, reason=fields["reason"])


@blp.view("GET", "/<return_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_return(session: Session, _actor: Actor, return_id: str) -> Response:
    """Show a return to a supplier: what it booked, and who decided it."""
    returned = supplier_returns_queries.get_return(session, ids.decode(PREFIX, return_id))
    return render_page(
        "admin/supplier_returns/return.html",
        returned=returned,
        approval=ids.encode("apr", returned.approval_id),
        names=people.get_names(session, [returned.requested_by, returned.approved_by]),
    )
