"""Imports of CSV files: send one, see what its rows would do, and confirm it."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import file_downloads
from app.blueprints.forms import Form, FormSchema, choice_field, file_field
from app.blueprints.lists import Column, EnumFilter, ListForm, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rate_limits import RateLimit
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.imports import queries, registry, service
from app.imports.queries import PREFIX
from app.imports.rules import BYTES_MAX, ROWS_MAX, ImportState
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.spreadsheets import escape_formula

blp = PageBlueprint("imports", "/admin/imports")
_USE = Permission.IMPORTS_USE
_CSV = "text/csv; charset=utf-8; header=present"
#: How many rows a page shows; the CSV has all.
_WRONG_SHOWN, _RIGHT_SHOWN = 200, 50


class FileSchema(FormSchema):
    """A file to import."""

    kind = choice_field("What it holds", "Choose what the file holds.")
    file = file_field(
        "CSV file",
        "Choose a CSV file.",
        accept=".csv,text/csv",
        hint=f"In UTF-8, with a heading, at most {ROWS_MAX:,} rows and {BYTES_MAX // 2**20} MiB",
    )


SEND = Form(
    "send",
    title="Import a file",
    about="Its rows are checked first. Nothing changes until you confirm what they would do.",
    schema=FileSchema,
    button="Check file",
    failure="The file was not taken",
    file_bytes_max=BYTES_MAX,
)
CONFIRM = Form(
    "confirm",
    title="Confirm",
    about="Every row has its effect, or none.",
    schema=FormSchema,
    button="Import",
    success="Confirmed. The rows are being imported.",
    failure="Nothing was imported",
    confirm="Import these rows?",
)
IMPORTS = ListPage(
    name="imports",
    title="Imports",
    about="Files that were imported, or only checked.",
    source=lambda _session, actor: queries.visible_imports(actor),
    columns=(
        Column("file", "File", lambda each: each.file_name),
        Column("kind", "Holds", lambda each: each.registered.title),
        Column("state", "State", lambda each: each.state),
        Column("rows", "Rows", lambda each: each.row_count),
        Column("wrong", "Wrong", lambda each: each.wrong_count),
        Column("requested", "Sent", lambda each: each.requested_at, sort="requested"),
        Column("by", "Sent by", lambda each: PersonCell(each.requested_by)),
    ),
    row_url=lambda each: url_for("imports_pages.show_import", import_id=each.public_id),
    default_sort="-requested",
    filters=(EnumFilter("state", "State", ImportState),),
    empty=("No imports yet", "Send the first file here."),
)
list_imports = blp.add_list(
    "",
    IMPORTS,
    permission=_USE,
    template="admin/imports/list.html",
    context=lambda _session, actor: {"kinds": registry.list_kinds(actor)},
    form=ListForm(
        SEND,
        _USE,
        lambda _session, actor: {
            "kind": [(kind.name, kind.title) for kind in registry.list_kinds(actor)]
        },
    ),
)


@blp.form("", SEND, shown_on=list_imports, permission=_USE, rate_limit=RateLimit.UPLOAD)
def send_file(session: Session, actor: Actor, fields: Mapping[str, Any]) -> str:
    """Send a file to be imported."""
    file = fields["file"]
    import_id = service.request_import(
        session, actor, fields["kind"], raw=file.content, file_name=file.name
    )
    return url_for("imports_pages.show_import", import_id=ids.encode(PREFIX, import_id))


@blp.view("GET", "/<import_id>", permission=_USE, shows=PREFIX)
def show_import(session: Session, actor: Actor, import_id: str) -> Response:
    """Show the progress of an import, and what its rows do."""
    shown = queries.get_import(session, actor, ids.decode(PREFIX, import_id))
    return render_page(
        "admin/imports/import.html",
        shown=shown,
        kind=shown.registered,
        wrong=queries.list_rows(session, shown.id, is_wrong=True, limit=_WRONG_SHOWN),
        right=queries.list_rows(session, shown.id, is_wrong=False, limit=_RIGHT_SHOWN),
        names=people.get_names(session, [shown.requested_by]),
        confirm_form=CONFIRM if shown.state is ImportState.CHECKED else None,
    )


@blp.form("/<import_id>/confirm", CONFIRM, shown_on=show_import, permission=_USE)
def confirm_import(
    session: Session, actor: Actor, _fields: Mapping[str, str], import_id: str
) -> None:
    """Import the rows that were checked."""
    service.confirm_import(session, actor, ids.decode(PREFIX, import_id))


@blp.view("GET", "/<import_id>/rows.csv", permission=_USE)
def download_rows(session: Session, actor: Actor, import_id: str) -> Response:
    """Download what the check found about every row."""
    shown = queries.get_import(session, actor, ids.decode(PREFIX, import_id))
    reports = [
        *queries.list_rows(session, shown.id, is_wrong=True),
        *queries.list_rows(session, shown.id, is_wrong=False),
    ]
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(["Line", "Outcome", shown.registered.subject, "What"])
    for report in reports:
        cells = [str(report.line), report.outcome.label, report.subject, report.what]
        writer.writerow([escape_formula(cell) for cell in cells])
    return _download(output.getvalue().encode(), f"{shown.public_id}.csv")


@blp.view("GET", "/export/<kind>.csv", permission=_USE, writes=True)
def export(session: Session, actor: Actor, kind: str) -> Response:
    """Download everything of a kind, as it can be imported again."""
    if kind not in {each.name for each in registry.list_kinds(actor)}:
        raise NotFound
    return _download(service.export(session, actor, kind), f"{kind}.csv")


def _download(content: bytes, name: str) -> Response:
    response = file_downloads.respond(content, name, _CSV)
    response.headers["Cache-Control"] = "no-store"
    return response
