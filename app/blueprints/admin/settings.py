"""Settings: every value that the business decides, and the page of one with its history."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.form_changes import Facts
from app.blueprints.forms import Done, Form, FormSchema, date_field, reason_field, text_field
from app.blueprints.lists import ChoiceFilter, Column, Filter, ListPage, PersonCell, ReferenceCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.kit import clock, ids
from app.kit.db import Session
from app.settings import queries, rules, service
from app.settings.queries import ChangeRow

blp = PageBlueprint("settings", "/admin/settings")


class SettingSchema(FormSchema):
    """A new value, the day from which it applies, and the reason."""

    value = text_field("New value", "Enter a value.")
    day = date_field("From", None, hint="Midnight UTC. Leave it empty to change the value now.")
    reason = reason_field()


def _describe_value(session: Session, _actor: Actor, name: str) -> Facts:
    row = queries.get_setting_row(session, name)
    return {"Value": row.value, "Later": row.upcoming or ""}


def _approval(change: ChangeRow) -> ReferenceCell | None:
    return ReferenceCell(change.approval_public_id) if change.approval_public_id else None


CHANGE = Form(
    "change",
    title="Change",
    about="A new value takes effect after a minute, everywhere at once.",
    schema=SettingSchema,
    button="Change setting",
    success="Setting changed. The new value takes effect after a minute.",
    failure="The setting was not changed",
    confirm="Change this setting?",
    current=_describe_value,
    subject=lambda name: name,
)
SETTINGS = ListPage(
    name="settings",
    title="Settings",
    about="Fees, limits, thresholds and windows.",
    source=lambda _session, _actor: queries.every_setting(clock.now()),
    columns=(
        Column("label", "Setting", lambda row: row.setting.declared.label),
        Column("group", "Group", lambda row: row.setting.group),
        Column("value", "Value", lambda row: row.value, is_figure=True),
        Column("since", "Since", lambda row: row.since),
        Column("next", "Next value", lambda row: row.upcoming, is_figure=True),
        Column("from", "From", lambda row: row.next_at, is_code=True),
        Column("allowed", "Allowed", lambda row: row.setting.bounds, is_hidden=True),
        Column("name", "Name", lambda row: row.name, sort="name", is_hidden=True),
    ),
    row_url=lambda row: url_for("settings_pages.show_setting", name=row.name),
    default_sort="name",
    filters=(
        ChoiceFilter(
            "group",
            "Group",
            choices=lambda _session, _actor: [
                (group, group) for group in dict.fromkeys(e.group for e in rules.list_settings())
            ],
        ),
    ),
    empty=("No settings", "The rooms of the program declare them."),
)
CHANGES = ListPage(
    name="setting_changes",
    title="History of settings",
    about="Every change of a setting, past and to come.",
    source=lambda _session, _actor: queries.CHANGES,
    columns=(
        Column("setting", "Setting", lambda change: change.name),
        Column("value", "Value", lambda change: change.written_value, is_figure=True),
        Column("effective", "From", lambda change: change.effective_at, sort="effective"),
        Column("maker", "Changed by", lambda change: PersonCell(change.maker_id, "System")),
        Column("approval", "Approval", _approval),
        Column("reason", "Reason", lambda change: change.reason),
        Column("made", "Recorded", lambda change: change.made_at, sort="made", is_hidden=True),
    ),
    default_sort="-made",
    filters=(Filter("setting", "Setting", hint="Its name, like payments.card_max"),),
    empty=("No changes yet", "All settings have their defaults."),
)
blp.add_list("", SETTINGS, permission=Permission.SETTINGS_READ)
blp.add_list("/history", CHANGES, permission=Permission.SETTINGS_READ)


@blp.view("GET", "/<name>", permission=Permission.SETTINGS_READ)
def show_setting(session: Session, actor: Actor, name: str) -> Response:
    """Show a setting: what it is, its value, what changes it, and the form to change it."""
    row = queries.get_setting_row(session, name)
    return render_page(
        "admin/settings/setting.html",
        row=row,
        setting=row.setting,
        change_form=CHANGE,
        may_edit=Permission.SETTINGS_EDIT in actor.permissions,
    )


@blp.form(
    "/<name>",
    CHANGE,
    shown_on=show_setting,
    permission=Permission.SETTINGS_EDIT,
    fresh=True,
)
def change_setting(session: Session, actor: Actor, fields: Mapping[str, Any], name: str) -> Done:
    """Change a setting, or request it from a second person."""
    day: date | None = fields["day"]
    approval_id = service.change_setting(
        session,
        actor,
        name,
        fields["value"],
        reason=fields["reason"],
        effective_at=datetime.combine(day, time(), UTC) if day else None,
    )
    if approval_id is None:
        return Done()
    public_id = ids.encode("apr", approval_id)
    return Done(
        url_for("approvals_pages.show_approval", approval_id=public_id),
        "Change requested. A second person has to approve it.",
    )
