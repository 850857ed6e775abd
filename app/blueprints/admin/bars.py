"""Bars with serials: the bar list, and their receipt."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import references
from app.blueprints.admin import location_field
from app.blueprints.admin.receipt_forms import RECEIVE_BARS
from app.blueprints.lists import Column, EnumFilter, Filter, ListForm, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.rules import PRICED_NAMES
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.vault.bars import queries as bars_queries
from app.vault.bars.queries import PREFIX
from app.vault.bars.rules import BarState
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewBarReceipt
from app.vault.lots import queries as lots_queries
from app.vault.movements.rules import label_of

blp = PageBlueprint("bars", "/admin/vault/bars")

BARS = ListPage(
    name="bars",
    title="Bars",
    about="Bars with a serial number: what each weighs, where it is, and whose it is.",
    source=lambda _session, _actor: bars_queries.BARS,
    columns=(
        Column("serial", "Serial", lambda bar: bar.serial, sort="serial"),
        Column("refiner", "Refiner", lambda bar: bar.refiner),
        Column("sku", "SKU", lambda bar: bar.sku, is_code=True),
        Column("location", "Location", lambda bar: bar.location_code, is_code=True),
        Column("state", "State", lambda bar: bar.state),
        Column("reserved", "Reserved", lambda bar: "Yes" if bar.is_reserved else None),
        Column("gross", "Gross weight", lambda bar: bar.gross_weight),
        Column("fineness", "Fineness", lambda bar: bar.fineness, is_figure=True),
        Column("fine", "Fine weight", lambda bar: bar.fine_weight),
        Column("year", "Year", lambda bar: str(bar.year) if bar.year else None),
        Column("assay", "Assay reference", lambda bar: bar.assay_reference, is_hidden=True),
        Column("received", "ID", lambda bar: bar.public_id, sort="received", is_hidden=True),
        Column(
            "owner",
            "Owner",
            lambda bar: PersonCell(bar.owner_id) if bar.owner_id else None,
            tooltip="The customer who bought it",
        ),
    ),
    row_url=lambda bar: url_for("bars_pages.show_bar", bar_id=bar.public_id),
    default_sort="-received",
    filters=(
        Filter("serial", "Serial"),
        Filter("refiner", "Refiner"),
        Filter("sku", "SKU"),
        location_field.location_filter(),
        EnumFilter("state", "State", BarState),
    ),
    empty=("No bars yet", "Record the first ones here."),
)
list_bars = blp.add_list(
    "",
    BARS,
    permission=Permission.VAULT_READ,
    template="admin/bars/index.html",
    form=ListForm(
        RECEIVE_BARS,
        Permission.VAULT_RECEIVE,
        lambda session, _actor: {"location": location_field.list_choices(session)},
    ),
    context=lambda session, _actor: {
        "totals": bars_queries.total_bars(session),
        "names": PRICED_NAMES,
    },
)


@blp.form("", RECEIVE_BARS, shown_on=list_bars, permission=Permission.VAULT_RECEIVE)
def receive_bars(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Receive bars."""
    deliveries.receive_bars(session, actor, NewBarReceipt(**fields))


@blp.view("GET", "/<bar_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_bar(session: Session, _actor: Actor, bar_id: str) -> Response:
    """Show a bar, what it cost, and the states it came to."""
    lot_id = ids.decode(PREFIX, bar_id)
    bar = bars_queries.get_bar(session, lot_id)
    return render_page(
        "admin/bars/bar.html",
        bar=bar,
        lot=lots_queries.get_lot(session, lot_id),
        history=lots_queries.list_bar_history(session, lot_id),
        label_of=label_of,
        subject_of=references.subject_of,
        people=people.get_names(session, [bar.owner_id] if bar.owner_id else []),
    )
