"""Licences of legal entities and of branches: all of them, and one with its end and renewal."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.forms import Form, FormSchema, date_field, reason_field
from app.blueprints.lists import Column, Filter, ListPage, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches.licences import queries as licences_queries
from app.branches.licences import service as licences
from app.branches.licences.queries import LicenceSummary
from app.kit import ids
from app.kit.db import Session

blp = PageBlueprint("licences", "/admin/licences")


class RenewalSchema(FormSchema):
    """The new last day of a licence."""

    expires_on = date_field("New last day", "Enter the new last day.")


class EndSchema(FormSchema):
    """Why a licence ends."""

    reason = reason_field()


RENEW = Form(
    "renew",
    title="Renew",
    schema=RenewalSchema,
    button="Renew licence",
    success="Licence renewed.",
    failure="The licence was not renewed",
)
END = Form(
    "end",
    title="End",
    about="It was given up or taken away, or another one replaces it.",
    schema=EndSchema,
    button="End licence",
    success="Licence ended.",
    failure="The licence was not ended",
    is_dangerous=True,
    confirm="End this licence?",
)


def holder_of(licence: LicenceSummary) -> ReferenceCell:
    """Return who holds the licence, with a link."""
    if licence.branch_id is not None:
        return ReferenceCell(ids.encode("brn", licence.branch_id), licence.holder)
    return ReferenceCell(ids.encode("ent", licence.entity_id), licence.holder)


LICENCES = ListPage(
    name="licences",
    title="Licences",
    about="What authorities permit legal entities and branches to do. Add one on the page of its"
    " holder.",
    source=lambda _session, _actor: licences_queries.LICENCES,
    columns=(
        Column("licence", "Licence", lambda licence: licence.name),
        Column("holder", "Holder", holder_of),
        Column("number", "Number", lambda licence: licence.number),
        Column("authority", "Authority", lambda licence: licence.authority),
        Column("expires", "Last day", lambda licence: licence.expires_on, sort="expires"),
        Column("status", "Status", lambda licence: licence.status),
        Column("added", "Added", lambda licence: licence.added_at, sort="added", is_hidden=True),
        Column("ended", "Ended", lambda licence: licence.ended_at, is_hidden=True),
    ),
    row_url=lambda licence: url_for("licences_pages.show_licence", licence_id=licence.public_id),
    default_sort="expires",
    filters=(Filter("number", "Number"),),
    empty=("No licences yet", "Add one on the page of a legal entity or of a branch."),
)
blp.add_list("", LICENCES, permission=Permission.ENTITIES_READ)


@blp.view("GET", "/<licence_id>", permission=Permission.ENTITIES_READ, shows="lic")
def show_licence(session: Session, actor: Actor, licence_id: str) -> Response:
    """Show a licence, and the forms to renew and to end it."""
    licence = licences_queries.get_licence(session, ids.decode("lic", licence_id))
    may_edit = Permission.ENTITIES_EDIT in actor.permissions
    return render_page(
        "admin/licences/licence.html",
        licence=licence,
        holder=holder_of(licence),
        renew_form=RENEW if may_edit and licence.is_in_force and licence.expires_on else None,
        end_form=END if may_edit and licence.is_in_force else None,
    )


@blp.form("/<licence_id>/renew", RENEW, shown_on=show_licence, permission=Permission.ENTITIES_EDIT)
def renew_licence(
    session: Session, actor: Actor, fields: Mapping[str, Any], licence_id: str
) -> None:
    """Renew a licence."""
    licences.renew_licence(session, actor, ids.decode("lic", licence_id), fields["expires_on"])


@blp.form("/<licence_id>/end", END, shown_on=show_licence, permission=Permission.ENTITIES_EDIT)
def end_licence(session: Session, actor: Actor, fields: Mapping[str, str], licence_id: str) -> None:
    """End a licence."""
    licences.end_licence(session, actor, ids.decode("lic", licence_id), reason=fields["reason"])
