"""What every declared list has: columns and density, saved views, and the CSV."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, flash, request, url_for

from app.access import Actor, Permission, Role
from app.blueprints import file_downloads, list_csv, list_view, lists, searches
from app.blueprints.lists import ListPage
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import render_page
from app.kit import ids
from app.kit.db import Database, Session
from app.kit.errors import Conflict, Invalid, NotFound
from app.kit.list_query import COUNT_MAX
from app.lists import queries as lists_queries
from app.lists import service
from app.lists.rules import Density, ListExportStatus

blp = PageBlueprint("list", "/lists")

_CSV = "text/csv; charset=utf-8; header=present"


@blp.view("POST", "/find", permission=Permission.ACCOUNT_READ)
def find(_session: Session, actor: Actor) -> Response:
    """Search a list: lead to its URL, in which what was typed is sealed."""
    page = _posted_list(actor)
    texts = {each.name: searches.typed_text(each.name) for each in page.filters}
    sort = request.form.get("sort", page.default_sort)
    query = list_view.seal_query(page, {**texts, "sort": sort})
    return see_other(f"{url_for(lists.endpoint_of(page))}?{query}")


@blp.view("POST", "/settings", permission=Permission.ACCOUNT_READ)
def save_settings(session: Session, actor: Actor) -> Response:
    """Choose the columns and the density of a list."""
    page = _posted_list(actor)
    if request.form.get("act") == "reset":
        columns, density = None, Density.COMFORTABLE
    else:
        chosen = set(request.form.getlist("columns"))
        columns = [column.name for column in page.columns if column.name in chosen]
        density = (
            Density.COMPACT
            if request.form.get("density") == Density.COMPACT
            else Density.COMFORTABLE
        )
    service.save_settings(session, actor, page.name, columns=columns, density=density)
    return _back(page)


@blp.view("POST", "/views", permission=Permission.ACCOUNT_READ)
def save_view(session: Session, actor: Actor) -> Response:
    """Save the search of a list under a name, for oneself or for a role."""
    page = _posted_list(actor)
    role = request.form.get("role", "")
    try:
        with session.savepoint():
            search = list_view.parse_search(page, session, actor, _posted_query())
            search.refuse_problems()
            service.save_view(
                session,
                actor,
                page.name,
                name=request.form.get("name", ""),
                role=Role(role) if role in set(Role) else None,
                query=search.query,
            )
    except Invalid as refusal:
        flash(f"The view was not saved. {refusal.message}", "problem")
    except Conflict as refusal:
        flash(f"The view was not saved. {refusal.detail}", "problem")
    else:
        flash("View saved.")
    return _back(page)


@blp.view("POST", "/views/<view_id>/delete", permission=Permission.ACCOUNT_READ)
def delete_view(session: Session, actor: Actor, view_id: str) -> Response:
    """Delete one of one's own saved views."""
    service.delete_view(session, actor, ids.decode(lists_queries.VIEW_PREFIX, view_id))
    page = _posted_list(actor)
    flash("View deleted.")
    return _back(page)


@blp.view("POST", "/export", permission=Permission.ACCOUNT_READ)
def export(session: Session, actor: Actor) -> Response:
    """Download what a list shows as CSV; a job prepares a large one."""
    page = _posted_list(actor)
    view = list_view.open_list(page, session, actor, _posted_query())
    query = view.search.query
    try:
        view.search.refuse_problems()
    except Invalid as refusal:
        flash(f"Nothing was downloaded. {refusal.message}", "problem")
        return _back(page)
    assert view.result is not None  # without a problem there is a page of rows
    if view.result.is_count_capped:
        export_id = service.request_export(session, actor, page.name, query)
        public_id = ids.encode(lists_queries.EXPORT_PREFIX, export_id)
        return see_other(url_for("list_pages.show_export", export_id=public_id))
    content, count = service.render_csv(list_csv.CsvLists().lines(session, actor, page.name, query))
    service.record_export(session, actor, page.name, query, row_count=count)
    return _attachment(content, page.name)


@blp.view("GET", "/exports/<export_id>", permission=Permission.ACCOUNT_READ)
def show_export(session: Session, actor: Actor, export_id: str) -> Response:
    """Show whether a large CSV is ready, and its link."""
    requested = lists_queries.get_export(
        session, actor, ids.decode(lists_queries.EXPORT_PREFIX, export_id)
    )
    return render_page(
        "lists/export.html",
        export=requested,
        title=lists.find_for_export(requested.list_name, actor),
        is_ready=requested.status is ListExportStatus.READY,
        is_expired=requested.status is ListExportStatus.EXPIRED,
        rows_max=COUNT_MAX,
    )


@blp.view("GET", "/exports/<export_id>/file", permission=Permission.ACCOUNT_READ)
def download_export(session: Session, actor: Actor, export_id: str) -> Response:
    """Download a large CSV."""
    identifier = ids.decode(lists_queries.EXPORT_PREFIX, export_id)
    requested = lists_queries.get_export(session, actor, identifier)
    lists.find_for_export(requested.list_name, actor)
    database: Database = current_app.extensions["database"]
    size, parts = lists_queries.open_content(session, database, actor, identifier)
    return _attachment(parts, requested.list_name, size=size)


def _posted_list(actor: Actor) -> ListPage[Any]:
    """Return the list that the form names. Raises `Invalid` and `PermissionDenied`."""
    try:
        return lists.find(request.form.get("list", ""), actor).page
    except NotFound:
        raise Invalid("list", "Open the list again and send the form from there.") from None


def _posted_query() -> dict[str, str]:
    """Return the search that the form carries, as in the URL of its list. Raises `Invalid`."""
    return list_view.parse_query(request.form.get("query", ""))


def _back(page: ListPage[Any]) -> Response:
    """Redirect to the list with the search that the form carries."""
    url = url_for(lists.endpoint_of(page))
    query = urlencode(_posted_query())
    return see_other(f"{url}?{query}" if query else url)


def _attachment(
    content: bytes | Iterator[bytes], list_name: str, *, size: int | None = None
) -> Response:
    response = file_downloads.respond(content, f"{list_name}.csv", _CSV, size=size)
    response.headers["Cache-Control"] = "no-store"
    return response
