"""Adjustments of stock: what was lost or found. Two people book them."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin import location_field
from app.blueprints.admin.serials_field import serials_field
from app.blueprints.forms import Form, FormSchema, choice_field, reason_field, text_field
from app.blueprints.lists import Column, EnumFilter, Filter, ListForm, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.products import rules as products_rules
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.vault import rules as vault_rules
from app.vault.adjustments import queries as adjustments_queries
from app.vault.adjustments import service as adjustments
from app.vault.adjustments.queries import PREFIX
from app.vault.adjustments.rules import ADJUSTABLE, AdjustmentKind
from app.vault.adjustments.service import NewAdjustment

blp = PageBlueprint("adjustments", "/admin/vault/adjustments")


class AdjustmentSchema(FormSchema):
    """Units that were lost or found."""

    kind = choice_field("What happened", "Choose what happened.", AdjustmentKind.options())
    sku = text_field("SKU", "Enter a SKU.", check=products_rules.clean_sku)
    location = choice_field("Location", "Choose a location.")
    state = choice_field(
        "State",
        "Choose the state of the units.",
        [(state.value, state.label) for state in ADJUSTABLE],
    )
    units = text_field(
        "Units",
        "Enter how many units.",
        check=lambda text: vault_rules.parse_units("units", text),
    )
    serials = serials_field()
    transfer = text_field(
        "Transfer", None, hint="For units in transit: the ID of the transfer that lacks them"
    )
    reason = reason_field()


REQUEST = Form(
    "adjust",
    title="Request an adjustment",
    about="A second person must approve it. It is booked at the price of that moment.",
    schema=AdjustmentSchema,
    button="Request adjustment",
    success="Adjustment requested. Another person has to approve it.",
    failure="The adjustment was not requested",
)
ADJUSTMENTS = ListPage(
    name="adjustments",
    title="Adjustments",
    about="Units that were lost, damaged, stolen or found, and what they were worth.",
    source=lambda _session, _actor: adjustments_queries.ADJUSTMENTS,
    columns=(
        Column("adjusted", "Booked", lambda adjustment: adjustment.adjusted_at, sort="adjusted"),
        Column("kind", "What happened", lambda adjustment: adjustment.kind),
        Column("sku", "SKU", lambda adjustment: adjustment.sku, is_code=True),
        Column("location", "Location", lambda adjustment: adjustment.location_code, is_code=True),
        Column("state", "State", lambda adjustment: adjustment.state),
        Column("units", "Units", lambda adjustment: adjustment.units),
        Column("metal", "Metal", lambda adjustment: adjustment.metal),
        Column("premium", "Premium", lambda adjustment: adjustment.premium),
        Column("id", "ID", lambda adjustment: adjustment.public_id, is_hidden=True),
        Column(
            "approved_by",
            "Approved by",
            lambda adjustment: PersonCell(adjustment.approved_by),
            is_hidden=True,
        ),
    ),
    row_url=lambda adjustment: url_for(
        "adjustments_pages.show_adjustment", adjustment_id=adjustment.public_id
    ),
    default_sort="-adjusted",
    filters=(
        Filter("sku", "SKU"),
        location_field.location_filter(),
        EnumFilter("kind", "What happened", AdjustmentKind),
    ),
    empty=("No adjustments yet", "They appear here once a second person has approved them."),
)
list_adjustments = blp.add_list(
    "",
    ADJUSTMENTS,
    permission=Permission.VAULT_READ,
    form=ListForm(
        REQUEST,
        Permission.VAULT_ADJUST,
        lambda session, _actor: {"location": location_field.list_choices(session)},
    ),
)


@blp.form("", REQUEST, shown_on=list_adjustments, permission=Permission.VAULT_ADJUST)
def request_adjustment(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Request an adjustment, which a second person approves."""
    wanted = NewAdjustment(**{name: text for name, text in fields.items() if name != "reason"})
    adjustments.request_adjustment(session, actor, wanted, reason=fields["reason"])


@blp.view("GET", "/<adjustment_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_adjustment(session: Session, _actor: Actor, adjustment_id: str) -> Response:
    """Show an adjustment: what it booked, and who decided it."""
    adjustment = adjustments_queries.get_adjustment(session, ids.decode(PREFIX, adjustment_id))
    return render_page(
        "admin/adjustments/adjustment.html",
        adjustment=adjustment,
        transfer=ids.encode("stf", adjustment.transfer_id) if adjustment.transfer_id else None,
        approval=ids.encode("apr", adjustment.approval_id),
        names=people.get_names(session, [adjustment.requested_by, adjustment.approved_by]),
    )
