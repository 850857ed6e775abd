"""Branches: list and open them, and show one with what belongs to it. A teller sees their own."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.admin import address_fields, branch_forms
from app.blueprints.admin.licence_fields import ADD_LICENCE, read_licence
from app.blueprints.lists import Column, ListForm, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.branches import service
from app.branches.entities import queries as entities_queries
from app.branches.hours import queries as hours_queries
from app.branches.hours import rules as hours_rules
from app.branches.hours import service as hours
from app.branches.hours.rules import WEEKDAYS
from app.branches.licences import queries as licences_queries
from app.branches.licences import service as licences
from app.branches.tills import queries as tills_queries
from app.branches.tills import service as tills
from app.counter.drawers import service as drawers
from app.identity.accounts import people
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.vault.locations import queries as locations_queries

blp = PageBlueprint("branches", "/admin/branches")
_EDIT = Permission.BRANCHES_EDIT

BRANCHES = ListPage(
    name="branches",
    title="Branches",
    about="Places where customers are served, and head office. Tellers see only their own branch.",
    source=lambda _session, actor: branches_queries.visible_branches(actor),
    columns=(
        Column("code", "Code", lambda branch: branch.code, sort="code"),
        Column("name", "Name", lambda branch: branch.name),
        Column("entity", "Legal entity", lambda branch: branch.entity_code),
        Column(
            "address",
            "Address",
            lambda branch: branch.postal.in_one_line if branch.postal else None,
            is_hidden=True,
        ),
        Column("opened", "Opened", lambda branch: branch.opened_at, sort="opened"),
    ),
    row_url=lambda branch: url_for("branches_pages.show_branch", branch_id=branch.public_id),
    default_sort="code",
    empty=("No branches yet", "An administrator opens the first one here."),
)
list_branches = blp.add_list(
    "",
    BRANCHES,
    permission=Permission.BRANCHES_READ,
    form=ListForm(
        branch_forms.OPEN_BRANCH,
        _EDIT,
        lambda session, _actor: {
            "entity": [
                (entity.public_id, f"{entity.code} {entity.name}")
                for entity in entities_queries.list_entities(session)
            ]
        },
    ),
)


@blp.form("", branch_forms.OPEN_BRANCH, shown_on=list_branches, permission=_EDIT)
def open_branch(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Open a branch."""
    try:
        entity_id = ids.decode("ent", fields["entity"])
    except NotFound:
        raise Invalid("entity", "Choose a legal entity from the list.") from None
    service.open_branch(
        session, actor, code=fields["code"], name=fields["name"], entity_id=entity_id
    )


@blp.view("GET", "/<branch_id>", permission=Permission.BRANCHES_READ, shows="brn")
def show_branch(session: Session, actor: Actor, branch_id: str) -> Response:
    """Show a branch: its details, hours, licences, tills, locations and tellers."""
    branch = branches_queries.get_branch(session, actor, ids.decode("brn", branch_id))
    now = clock.now()
    days = hours_queries.list_days(session, [branch], now).get(branch.id, [])
    tellers = people.list_branch_staff(session, branch.id)
    return render_page(
        "admin/branches/branch.html",
        branch=branch,
        entity_id=ids.encode("ent", branch.entity_id),
        week=list(zip(WEEKDAYS, branch.weekly_hours, strict=True)),
        days=hours_queries.list_coming(branch, days, now),
        opening=hours_rules.state_at(hours_queries.schedule_of(branch, days), now),
        licences=licences_queries.list_of_branch(session, branch.id),
        tills=tills_queries.list_tills(session, branch.id),
        locations=locations_queries.list_locations_of_branch(session, branch.id)
        if Permission.VAULT_READ in actor.permissions
        else None,
        tellers=tellers,
        names={teller.id: teller.name for teller in tellers},
        forms=branch_forms,
        details=branch_forms.details_of(branch),
        hours=branch_forms.hours_of(branch),
        licence_form=ADD_LICENCE,
        may_edit=_EDIT in actor.permissions,
        may_license=Permission.ENTITIES_EDIT in actor.permissions,
    )


@blp.form("/<branch_id>", branch_forms.DETAILS, shown_on=show_branch, permission=_EDIT)
def change_details(
    session: Session, actor: Actor, fields: Mapping[str, Any], branch_id: str
) -> None:
    """Change what customers read of a branch."""
    with address_fields.naming_fields():
        service.change_details(
            session, actor, ids.decode("brn", branch_id), branch_forms.read_details(fields)
        )


@blp.form("/<branch_id>/hours", branch_forms.WEEK, shown_on=show_branch, permission=_EDIT)
def set_week(session: Session, actor: Actor, fields: Mapping[str, str], branch_id: str) -> None:
    """Set the hours of each weekday."""
    week = [fields[weekday.lower()] for weekday in WEEKDAYS]
    hours.set_week(session, actor, ids.decode("brn", branch_id), week)


@blp.form("/<branch_id>/days", branch_forms.DAY, shown_on=show_branch, permission=_EDIT)
def set_day(session: Session, actor: Actor, fields: Mapping[str, Any], branch_id: str) -> None:
    """Set the hours of a day that differs."""
    hours.set_day(
        session,
        actor,
        ids.decode("brn", branch_id),
        fields["day"],
        hours=fields["hours"],
        note=fields["note"],
    )


@blp.form(
    "/<branch_id>/days/remove", branch_forms.REMOVE_DAY, shown_on=show_branch, permission=_EDIT
)
def remove_day(session: Session, actor: Actor, fields: Mapping[str, str], branch_id: str) -> None:
    """Let a day have the hours of its weekday."""
    try:
        day = date.fromisoformat(fields["day"])
    except ValueError:
        raise Invalid("day", "Choose a day from the list.") from None
    hours.remove_day(session, actor, ids.decode("brn", branch_id), day)


@blp.form("/<branch_id>/tills", branch_forms.OPEN_TILL, shown_on=show_branch, permission=_EDIT)
def open_till(session: Session, actor: Actor, fields: Mapping[str, str], branch_id: str) -> None:
    """Open a till."""
    tills.open_till(
        session,
        actor,
        branch_id=ids.decode("brn", branch_id),
        code=fields["code"],
        name=fields["name"],
    )


@blp.form(
    "/<branch_id>/tills/close", branch_forms.CLOSE_TILL, shown_on=show_branch, permission=_EDIT
)
def close_till(session: Session, actor: Actor, fields: Mapping[str, str], branch_id: str) -> None:
    """Close a till."""
    till_id = ids.try_decode("til", fields["till"])
    if till_id is None:
        raise Invalid("till", "Choose a till from the list.")
    drawers.close_till(session, actor, ids.decode("brn", branch_id), till_id)


@blp.form(
    "/<branch_id>/licences",
    ADD_LICENCE,
    shown_on=show_branch,
    permission=Permission.ENTITIES_EDIT,
)
def add_licence(session: Session, actor: Actor, fields: Mapping[str, Any], branch_id: str) -> None:
    """Add a licence of a branch."""
    licences.add_branch_licence(session, actor, ids.decode("brn", branch_id), read_licence(fields))
