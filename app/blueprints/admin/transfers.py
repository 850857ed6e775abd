"""Transfers of goods between locations: sent, received, closed with a shortage."""

from collections.abc import Mapping, Sequence

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin import location_field
from app.blueprints.forms import Form, FormSchema, choice_field, reason_field, text_field
from app.blueprints.lists import Column, EnumFilter, ListForm, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.vault.bars import queries as bars_queries
from app.vault.bars.rules import BarState
from app.vault.transfers import queries as stock_transfers_queries
from app.vault.transfers import rules as stock_transfers_rules
from app.vault.transfers import service as stock_transfers
from app.vault.transfers.queries import PREFIX, StockTransferLineRow, StockTransferRow
from app.vault.transfers.rules import StockTransferStatus

blp = PageBlueprint("stock_transfers", "/admin/vault/transfers")


class SendSchema(FormSchema):
    """Goods to send."""

    origin = choice_field("From", "Choose where the goods are.")
    destination = choice_field("To", "Choose where they go.")
    lines = text_field(
        "Goods",
        "Enter what is sent.",
        control="textarea",
        hint="A SKU and the number of units on each line, like AU-EAGLE-1OZ 5. For bars with"
        " serials a colon and their serials, like AU-BAR-400OZ: A123, B456",
        check=stock_transfers_rules.parse_lines,
    )


class ArrivedGoodsSchema(FormSchema):
    """Goods that arrived."""

    lines = text_field(
        "Goods that arrived",
        "Enter what arrived.",
        control="textarea",
        hint="What is to come: change it to what you counted, and leave out what did not arrive.",
        check=stock_transfers_rules.parse_lines,
    )


class ShortageSchema(FormSchema):
    """Why a transfer is closed while units are missing."""

    reason = reason_field("What happened")


SEND = Form(
    "send",
    title="Send goods",
    about="The units leave the goods for sale at once, and are in transit until they are received.",
    schema=SendSchema,
    button="Send goods",
    success="Goods sent.",
    failure="The goods were not sent",
)
RECEIVE = Form(
    "receive",
    title="Receive goods",
    about="Count the units before you record them. What arrives later is received by itself.",
    schema=ArrivedGoodsSchema,
    button="Receive goods",
    success="Goods received.",
    failure="The goods were not received",
)
CLOSE_SHORT = Form(
    "close-short",
    title="Close with a shortage",
    about="The missing units stay in transit, and a case is opened. They can be received later, or"
    " written off by two people.",
    schema=ShortageSchema,
    button="Close with a shortage",
    success="Transfer closed. A case about the missing units is open.",
    failure="The transfer was not closed",
    is_dangerous=True,
    confirm="Close this transfer while units are missing?",
)
CANCEL = Form(
    "cancel",
    title="Cancel the transfer",
    schema=FormSchema,
    button="Cancel the transfer",
    success="Transfer cancelled. The units are for sale again where they came from.",
    failure="The transfer was not cancelled",
    confirm="Cancel this transfer? The units must be back where they came from.",
)


def _to_come(transfer: StockTransferRow) -> int:
    return 0 if transfer.status is StockTransferStatus.CANCELLED else transfer.missing


def _lines_to_come(
    session: Session, transfer: StockTransferRow, lines: Sequence[StockTransferLineRow]
) -> str:
    """Return what is to be received as the form takes it."""
    bars = bars_queries.list_waiting_bars(session, transfer.public_id, BarState.IN_TRANSIT)
    texts = []
    for line in lines:
        serials = ", ".join(str(bar.named) for bar in bars if bar.sku == line.sku)
        if line.missing:
            texts.append(f"{line.sku}: {serials}" if serials else f"{line.sku} {line.missing}")
    return "\n".join(texts)


TRANSFERS = ListPage(
    name="stock_transfers",
    title="Transfers of goods",
    about="Goods on their way from one location to another.",
    source=lambda _session, _actor: stock_transfers_queries.TRANSFERS,
    columns=(
        Column("sent", "Sent", lambda transfer: transfer.sent_at, sort="sent"),
        Column("from", "From", lambda transfer: transfer.origin_code, is_code=True),
        Column("to", "To", lambda transfer: transfer.destination_code, is_code=True),
        Column("status", "Status", lambda transfer: transfer.status),
        Column("units", "Units", lambda transfer: transfer.units),
        Column("received", "Received", lambda transfer: transfer.received),
        Column("to_come", "To come", _to_come),
        Column("id", "ID", lambda transfer: transfer.public_id, is_hidden=True),
        Column("sent_by", "Sent by", lambda transfer: PersonCell(transfer.sent_by), is_hidden=True),
    ),
    row_url=lambda transfer: url_for(
        "stock_transfers_pages.show_transfer", transfer_id=transfer.public_id
    ),
    default_sort="-sent",
    filters=(
        EnumFilter("status", "Status", StockTransferStatus),
        location_field.location_filter("from", "From"),
        location_field.location_filter("to", "To"),
    ),
    empty=("No transfers yet", "Send the first one here."),
)


list_transfers = blp.add_list(
    "",
    TRANSFERS,
    permission=Permission.VAULT_READ,
    form=ListForm(
        SEND,
        Permission.VAULT_TRANSFER,
        lambda session, _actor: {
            "origin": location_field.list_choices(session),
            "destination": location_field.list_choices(session),
        },
    ),
)


@blp.form("", SEND, shown_on=list_transfers, permission=Permission.VAULT_TRANSFER)
def send_goods(session: Session, actor: Actor, fields: Mapping[str, str]) -> str:
    """Send goods to another location."""
    transfer_id = stock_transfers.send_goods(
        session,
        actor,
        origin=fields["origin"],
        destination=fields["destination"],
        units_by_sku=stock_transfers_rules.parse_lines(fields["lines"]),
    )
    return url_for(
        "stock_transfers_pages.show_transfer", transfer_id=ids.encode(PREFIX, transfer_id)
    )


@blp.view("GET", "/<transfer_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_transfer(session: Session, actor: Actor, transfer_id: str) -> Response:
    """Show a transfer of goods, and the forms of its next steps."""
    transfer = stock_transfers_queries.get_transfer(session, ids.decode(PREFIX, transfer_id))
    lines = stock_transfers_queries.list_lines(session, transfer.id)
    receipts = stock_transfers_queries.list_receipts(session, transfer.id)
    may_transfer = Permission.VAULT_TRANSFER in actor.permissions
    is_in_transit = transfer.status is StockTransferStatus.IN_TRANSIT
    return render_page(
        "admin/transfers/transfer.html",
        transfer=transfer,
        lines=lines,
        receipts=receipts,
        names=people.get_names(
            session, [transfer.sent_by, *(receipt.received_by for receipt in receipts)]
        ),
        to_come=_to_come(transfer),
        lines_to_come=_lines_to_come(session, transfer, lines),
        receive_form=RECEIVE,
        close_form=CLOSE_SHORT,
        cancel_form=CANCEL,
        may_receive=may_transfer and transfer.status in stock_transfers.RECEIVABLE,
        may_close=may_transfer and is_in_transit,
        may_cancel=may_transfer and is_in_transit and not transfer.received,
    )


@blp.form(
    "/<transfer_id>/receive",
    RECEIVE,
    shown_on=show_transfer,
    permission=Permission.VAULT_TRANSFER,
)
def receive(session: Session, actor: Actor, fields: Mapping[str, str], transfer_id: str) -> None:
    """Receive goods of a transfer."""
    units_by_sku = stock_transfers_rules.parse_lines(fields["lines"])
    stock_transfers.receive(session, actor, ids.decode(PREFIX, transfer_id), units_by_sku)


@blp.form(
    "/<transfer_id>/shortage",
    CLOSE_SHORT,
    shown_on=show_transfer,
    permission=Permission.VAULT_TRANSFER,
)
def close_short(
    session: Session, actor: Actor, fields: Mapping[str, str], transfer_id: str
) -> None:
    """Close a transfer of which units are missing."""
    stock_transfers.close_short(
        session, actor, ids.decode(PREFIX, transfer_id), reason=fields["reason"]
    )


@blp.form(
    "/<transfer_id>/cancel", CANCEL, shown_on=show_transfer, permission=Permission.VAULT_TRANSFER
)
def cancel(session: Session, actor: Actor, _fields: Mapping[str, str], transfer_id: str) -> None:
    """Cancel a transfer of which nothing was received."""
    stock_transfers.cancel(session, actor, ids.decode(PREFIX, transfer_id))
