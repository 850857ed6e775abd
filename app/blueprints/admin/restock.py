"""Restock: needs, orders and receipts on one page, and the list of all needs."""

from collections.abc import Mapping
from uuid import UUID

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin import location_field
from app.blueprints.forms import Form, FormSchema, choice_field, text_field
from app.blueprints.lists import Column, EnumFilter, Filter, ListPage, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.products import rules as products_rules
from app.fulfillment.restock import board
from app.fulfillment.restock.needs import queries as needs_queries
from app.fulfillment.restock.needs import transfers
from app.fulfillment.restock.needs.queries import PREFIX
from app.fulfillment.restock.needs.rules import NeedStatus
from app.fulfillment.restock.purchase_orders import rules as purchases_rules
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.suppliers import queries as suppliers_queries
from app.kit import ids
from app.kit.db import Session
from app.vault import rules as vault_rules

blp = PageBlueprint("restock", "/admin/restock")


class NeedGroupSchema(FormSchema):
    """The needs of a location that one supplier sells."""

    supplier = text_field("Supplier", "Choose what to order.")
    location = text_field("Location", "Choose what to order.")


class HandOrderSchema(FormSchema):
    """Units to order by hand."""

    sku = text_field("SKU", "Enter a SKU.", check=products_rules.clean_sku)
    location = choice_field("Location", "Choose a location.")
    units = text_field(
        "Units",
        "Enter how many units.",
        check=lambda text: vault_rules.parse_units("units", text),
    )


class NeedTransferSchema(FormSchema):
    """Where the units of a need come from."""

    origin = choice_field("Location", "Choose a location.")
    units = text_field(
        "Units",
        "Enter how many units.",
        check=lambda text: vault_rules.parse_units("units", text),
    )


ORDER_GROUP = Form(
    "group",
    title="Order what is needed",
    schema=NeedGroupSchema,
    button="Order",
    success="Order planned.",
    failure="Nothing was ordered",
    confirm="Order these goods?",
)
ORDER_BY_HAND = Form(
    "hand",
    title="Order goods by hand",
    about="From the product's supplier, whether it is low or not. No more are ordered than the"
    " shelf takes.",
    schema=HandOrderSchema,
    button="Order goods",
    success="Order planned.",
    failure="Nothing was ordered",
)
SEND = Form(
    "send",
    title="Send units from another location",
    about="In place of an order. The units are in transit until they are received there.",
    schema=NeedTransferSchema,
    button="Send units",
    success="Units sent.",
    failure="Nothing was sent",
)
NEEDS = ListPage(
    name="needs",
    title="Needs",
    about="How many units of a product a location lacked, and what was done about it.",
    source=lambda _session, _actor: needs_queries.NEEDS,
    columns=(
        Column("opened", "Since", lambda row: row.opened_at, sort="opened"),
        Column("sku", "SKU", lambda row: row.sku, sort="sku", is_code=True),
        Column("name", "Product", lambda row: row.product_name),
        Column("location", "Location", lambda row: row.location_code, is_code=True),
        Column("status", "Status", lambda row: row.status),
        Column("units", "Units", lambda row: row.units),
        Column("available", "Available", lambda row: row.available),
        Column("on_order", "On order", lambda row: row.on_order),
        Column("sold", "Sold", lambda row: row.sold, tooltip="Within the days of the settings"),
        Column("fill_to", "Filled up to", lambda row: row.fill_to),
        Column("supplier", "Supplier", lambda row: row.supplier),
        Column(
            "order",
            "Order",
            lambda row: ReferenceCell(row.order_public_id) if row.order_public_id else None,
        ),
    ),
    row_url=lambda row: url_for("restock_pages.show_need", need_id=row.public_id),
    default_sort="-opened",
    filters=(
        Filter("sku", "SKU"),
        location_field.location_filter(),
        EnumFilter("status", "Status", NeedStatus),
    ),
    empty=("Nothing was needed yet", "Needs appear here when products are low."),
)
blp.add_list("/needs", NEEDS, permission=Permission.VAULT_READ)


@blp.view("GET", "", permission=Permission.VAULT_READ, snapshot=True)
def show_board(session: Session, actor: Actor) -> Response:
    """Show what is needed, what is ordered, and what arrived last."""
    return render_page(
        "admin/restock/board.html",
        board=board.read_board(session),
        may_order=Permission.PURCHASES_ORDER in actor.permissions,
        group_form=ORDER_GROUP,
        hand_form=ORDER_BY_HAND,
        locations=location_field.list_choices(session),
    )


@blp.form("/order", ORDER_GROUP, shown_on=show_board, permission=Permission.PURCHASES_ORDER)
def order_group(session: Session, actor: Actor, fields: Mapping[str, str]) -> str:
    """Order what a location needs from a supplier, and open the order."""
    order_id = purchases.order_needs(
        session,
        actor,
        supplier_id=ids.decode(suppliers_queries.PREFIX, fields["supplier"]),
        location_id=ids.decode("loc", fields["location"]),
    )
    return _url_of(order_id)


@blp.form("/hand", ORDER_BY_HAND, shown_on=show_board, permission=Permission.PURCHASES_ORDER)
def order_by_hand(session: Session, actor: Actor, fields: Mapping[str, str]) -> str:
    """Order units of a product, and open the order."""
    units = {fields["sku"].upper(): vault_rules.parse_units("units", fields["units"])}
    [order_id] = purchases.order_by_hand(
        session, actor, location=fields["location"], units_by_sku=units
    )
    return _url_of(order_id)


def _url_of(order_id: UUID) -> str:
    order = ids.encode(purchases_rules.PREFIX, order_id)
    return url_for("purchases_pages.show_purchase", order_id=order)


@blp.view("GET", "/needs/<need_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_need(session: Session, actor: Actor, need_id: str) -> Response:
    """Show a need: what it was concluded from, and from where units can be sent."""
    need = needs_queries.get_need(session, ids.decode(PREFIX, need_id))
    is_open = need.status is NeedStatus.OPEN
    spare = needs_queries.list_spare(session, need) if is_open else []
    return render_page(
        "admin/restock/need.html",
        need=need,
        spare=[(code, f"{code}: {units} to spare") for code, units in spare],
        send_form=SEND if spare and Permission.VAULT_TRANSFER in actor.permissions else None,
    )


@blp.form("/needs/<need_id>/send", SEND, shown_on=show_need, permission=Permission.VAULT_TRANSFER)
def send_units(session: Session, actor: Actor, fields: Mapping[str, str], need_id: str) -> str:
    """Send units of a need from another location, and open the transfer."""
    transfer_id = transfers.send_units(
        session,
        actor,
        ids.decode(PREFIX, need_id),
        origin=fields["origin"],
        units=vault_rules.parse_units("units", fields["units"]),
    )
    return url_for(
        "stock_transfers_pages.show_transfer", transfer_id=ids.encode("stf", transfer_id)
    )
