"""The vault: stock by location, deliveries, and the locations themselves."""

from collections.abc import Mapping

from flask import url_for

from app.access import Actor, Permission
from app.blueprints.admin import branch_field, location_field
from app.blueprints.admin.receipt_forms import RECEIVE_GOODS
from app.blueprints.forms import Form, FormSchema, choice_field, text_field
from app.blueprints.lists import Column, EnumFilter, Filter, ListForm, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.branches import queries as branches_queries
from app.catalog.rules import PRICED_NAMES
from app.kit import ids
from app.kit.db import Session
from app.vault import rules as vault_rules
from app.vault.alerts import queries as alerts_queries
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewReceipt
from app.vault.locations import queries as locations_queries
from app.vault.locations import rules as locations_rules
from app.vault.locations import service as locations
from app.vault.locations.rules import LocationKind
from app.vault.lots import queries as lots_queries
from app.vault.stock import queries as stock_queries
from app.vault.stock.rules import StockLevel

blp = PageBlueprint("vault", "/admin/vault")


class LocationSchema(FormSchema):
    """A new location."""

    branch = choice_field("Branch", "Choose a branch.")
    code = text_field(
        "Code",
        "Enter a code.",
        hint="Capital letters, digits and hyphens, like NYC-VAULT",
        check=locations_rules.clean_location_code,
    )
    name = text_field(
        "Name", "Enter a name.", check=lambda text: vault_rules.clean_text("name", text)
    )
    kind = choice_field("Kind", "Choose a kind.", LocationKind.options())


OPEN_LOCATION = Form(
    "open",
    title="Open a location",
    schema=LocationSchema,
    button="Open location",
    success="Location opened.",
    failure="The location was not opened",
)


STOCK = ListPage(
    name="stock",
    title="Stock",
    about="Units of each product by location and state.",
    source=lambda _session, _actor: stock_queries.STOCK,
    columns=(
        Column("sku", "SKU", lambda row: row.sku, sort="sku", is_code=True),
        Column("name", "Product", lambda row: row.product_name),
        Column(
            "location", "Location", lambda row: row.location_code, sort="location", is_code=True
        ),
        Column("branch", "Branch", lambda row: row.branch_code, is_hidden=True, is_code=True),
        Column("available", "Available", lambda row: row.available, sort="available"),
        Column("level", "Level", lambda row: row.level),
        Column("reserved", "Reserved", lambda row: row.reserved),
        Column("quarantine", "Quarantine", lambda row: row.quarantine),
        Column("in_transit", "In transit", lambda row: row.in_transit),
        Column("allocated", "Allocated", lambda row: row.allocated),
        Column("picked", "Picked", lambda row: row.picked, is_hidden=True),
        Column("shipped", "Shipped", lambda row: row.shipped, is_hidden=True),
        Column(
            "metal",
            "Metal",
            lambda row: PRICED_NAMES[row.metal].capitalize(),
            is_hidden=True,
        ),
        Column("reorder", "Low below", lambda row: row.reorder_below or None, is_hidden=True),
    ),
    row_url=lambda row: url_for("products_pages.show_product", sku=row.sku),
    default_sort="sku",
    filters=(Filter("sku", "SKU"), location_field.location_filter()),
    empty=("No goods yet", "Goods appear here once a delivery was received."),
)
LOW_STOCK = ListPage(
    name="low_stock",
    title="Low stock",
    about="Where fewer units are available than should be, until enough are.",
    source=lambda _session, _actor: alerts_queries.OPEN_ALERTS,
    columns=(
        Column("sku", "SKU", lambda row: row.sku, sort="sku", is_code=True),
        Column("name", "Product", lambda row: row.product_name),
        Column("location", "Location", lambda row: row.location_code, is_code=True),
        Column("level", "Level", lambda row: row.level),
        Column("available", "Available", lambda row: row.available),
        Column("reorder", "Low below", lambda row: row.reorder_below),
        Column("opened", "Since", lambda row: row.opened_at, sort="opened"),
    ),
    row_url=lambda row: url_for("products_pages.show_product", sku=row.sku),
    default_sort="-opened",
    filters=(
        Filter("sku", "SKU"),
        location_field.location_filter(),
        EnumFilter("level", "Level", StockLevel),
    ),
    empty=("Nothing is low", "Enough units of every product are available."),
)
LOTS = ListPage(
    name="lots",
    title="Deliveries",
    about="What arrived, from whom, and what it cost.",
    source=lambda _session, _actor: lots_queries.LOTS,
    columns=(
        Column("received", "Received", lambda lot: lot.received_at, sort="received"),
        Column("sku", "SKU", lambda lot: lot.sku, is_code=True),
        Column("location", "Location", lambda lot: lot.location_code, is_code=True),
        Column("units", "Units", lambda lot: lot.units),
        Column("ounces", "Ounces", lambda lot: lot.ounces, tooltip="As the metal is accounted"),
        Column("cost", "Cost", lambda lot: lot.cost),
        Column("premium", "Premium", lambda lot: lot.premium, tooltip="Cost above the metal"),
        Column("supplier", "Supplier", lambda lot: lot.supplier),
        Column("reference", "Supplier's reference", lambda lot: lot.supplier_reference),
        Column(
            "received_by",
            "Received by",
            lambda lot: PersonCell(lot.received_by) if lot.received_by else None,
            is_hidden=True,
        ),
    ),
    default_sort="-received",
    filters=(Filter("sku", "SKU"), location_field.location_filter()),
    empty=("No deliveries yet", "Record the first one here."),
)
LOCATIONS = ListPage(
    name="locations",
    title="Locations",
    about="Places where goods are: vaults, shelves, and partners' depots.",
    source=lambda _session, _actor: locations_queries.LOCATIONS,
    columns=(
        Column("code", "Code", lambda location: location.code, sort="code"),
        Column("name", "Name", lambda location: location.name),
        Column("kind", "Kind", lambda location: location.kind.label),
        Column("branch", "Branch", lambda location: location.branch_code, is_code=True),
        Column("opened", "Opened", lambda location: location.opened_at, sort="opened"),
    ),
    default_sort="code",
    filters=(EnumFilter("kind", "Kind", LocationKind),),
    empty=("No locations yet", "An administrator opens the first one here."),
)
blp.add_list("", STOCK, permission=Permission.VAULT_READ)
blp.add_list("/low-stock", LOW_STOCK, permission=Permission.VAULT_READ)
list_lots = blp.add_list(
    "/deliveries",
    LOTS,
    permission=Permission.VAULT_READ,
    form=ListForm(
        RECEIVE_GOODS,
        Permission.VAULT_RECEIVE,
        lambda session, _actor: {"location": location_field.list_choices(session)},
    ),
)
list_locations = blp.add_list(
    "/locations",
    LOCATIONS,
    permission=Permission.VAULT_READ,
    form=ListForm(
        OPEN_LOCATION,
        Permission.VAULT_EDIT,
        lambda session, actor: {
            "branch": branch_field.list_choices(branches_queries.list_branches(session, actor))
        },
    ),
)


@blp.form("/deliveries", RECEIVE_GOODS, shown_on=list_lots, permission=Permission.VAULT_RECEIVE)
def receive_goods(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Receive goods."""
    deliveries.receive_goods(session, actor, NewReceipt(**fields))


@blp.form("/locations", OPEN_LOCATION, shown_on=list_locations, permission=Permission.VAULT_EDIT)
def open_location(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Open a location."""
    branch = branches_queries.get_branch(session, actor, ids.decode("brn", fields["branch"]))
    locations.open_location(
        session,
        actor,
        branch_id=branch.id,
        code=fields["code"],
        name=fields["name"],
        kind=LocationKind(fields["kind"]),
    )
