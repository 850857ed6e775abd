"""Quarantine: goods that are examined before they are for sale."""

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
from app.vault.assays import queries as assays_queries
from app.vault.assays import service as assays
from app.vault.assays.queries import PREFIX
from app.vault.assays.rules import AssayMethod, AssayResult, QuarantineStatus
from app.vault.assays.service import NewAssay
from app.vault.bars import queries as bars_queries
from app.vault.bars.rules import BarState

blp = PageBlueprint("quarantine", "/admin/vault/quarantine")


class QuarantineSchema(FormSchema):
    """Units to be examined."""

    sku = text_field("SKU", "Enter a SKU.", check=products_rules.clean_sku)
    location = choice_field("Location", "Choose a location.")
    units = text_field(
        "Units",
        "Enter how many units.",
        check=lambda text: vault_rules.parse_units("units", text),
    )
    serials = serials_field()
    reason = reason_field()


class AssaySchema(FormSchema):
    """What an assay found."""

    units = text_field(
        "Units",
        "Enter how many units were examined.",
        check=lambda text: vault_rules.parse_units("units", text),
    )
    serials = serials_field()
    result = choice_field("Result", "Choose the result.", AssayResult.options())
    method = choice_field("Method", "Choose the method.", AssayMethod.options())
    measured = text_field(
        "Measured values",
        "Enter what was measured.",
        hint="As it was read, like Au 91.6 %, Ag 3.0 %, Cu 5.4 %",
        check=lambda text: vault_rules.clean_text("measured", text),
    )


QUARANTINE = Form(
    "quarantine",
    title="Put goods into quarantine",
    about="The units are not for sale until another person has examined them.",
    schema=QuarantineSchema,
    button="Put into quarantine",
    success="Goods put into quarantine.",
    failure="The goods were not put into quarantine",
)
ASSAY = Form(
    "assay",
    title="Record an assay",
    about="Units that passed are for sale at once. Units that failed stay in quarantine until they"
    " are returned to their supplier or adjusted away.",
    schema=AssaySchema,
    button="Record assay",
    success="Assay recorded.",
    failure="The assay was not recorded",
    confirm="Record this assay? It is not changed afterwards.",
)
QUARANTINES = ListPage(
    name="quarantines",
    title="Quarantine",
    about="Goods that are examined before they are for sale.",
    source=lambda _session, _actor: assays_queries.QUARANTINES,
    columns=(
        Column("put", "Since", lambda row: row.put_at, sort="put"),
        Column("sku", "SKU", lambda row: row.sku, is_code=True),
        Column("location", "Location", lambda row: row.location_code, is_code=True),
        Column("status", "Status", lambda row: row.status),
        Column("units", "Units", lambda row: row.units),
        Column("waiting", "To be examined", lambda row: row.waiting),
        Column("id", "ID", lambda row: row.public_id, is_hidden=True),
        Column("reason", "Reason", lambda row: row.reason, is_hidden=True),
        Column(
            "put_by",
            "Put there by",
            lambda row: PersonCell(row.put_by) if row.put_by else None,
            is_hidden=True,
        ),
    ),
    row_url=lambda row: url_for("quarantine_pages.show_quarantine", quarantine_id=row.public_id),
    default_sort="-put",
    filters=(
        EnumFilter("status", "Status", QuarantineStatus),
        Filter("sku", "SKU"),
        location_field.location_filter(),
    ),
    empty=("Nothing in quarantine yet", "Put goods there here, or as they are received."),
)
list_quarantines = blp.add_list(
    "",
    QUARANTINES,
    permission=Permission.VAULT_READ,
    form=ListForm(
        QUARANTINE,
        Permission.VAULT_ASSAY,
        lambda session, _actor: {"location": location_field.list_choices(session)},
    ),
)


@blp.form("", QUARANTINE, shown_on=list_quarantines, permission=Permission.VAULT_ASSAY)
def put_into_quarantine(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Put goods into quarantine."""
    assays.put_into_quarantine(session, actor, **fields)


@blp.view("GET", "/<quarantine_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_quarantine(session: Session, actor: Actor, quarantine_id: str) -> Response:
    """Show goods in quarantine, and what assays of them found."""
    quarantine = assays_queries.get_quarantine(session, ids.decode(PREFIX, quarantine_id))
    done = assays_queries.list_assays(session, quarantine.id)
    bars = bars_queries.list_waiting_bars(session, quarantine.public_id, BarState.QUARANTINE)
    put_by = [quarantine.put_by] if quarantine.put_by else []
    return render_page(
        "admin/quarantine/quarantine.html",
        quarantine=quarantine,
        assays=done,
        serials="\n".join(str(bar.named) for bar in bars),
        names=people.get_names(session, [*put_by, *(assay.assayed_by for assay in done)]),
        assay_form=ASSAY,
        may_assay=Permission.VAULT_ASSAY in actor.permissions
        and quarantine.waiting > 0
        and quarantine.put_by != actor.user_id,
    )


@blp.form(
    "/<quarantine_id>/assay", ASSAY, shown_on=show_quarantine, permission=Permission.VAULT_ASSAY
)
def record_assay(
    session: Session, actor: Actor, fields: Mapping[str, str], quarantine_id: str
) -> None:
    """Record an assay of goods in quarantine."""
    assays.record_assay(session, actor, ids.decode(PREFIX, quarantine_id), NewAssay(**fields))
