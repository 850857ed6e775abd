"""Search everything: from what a person types to the page that shows it, or to a choice of pages.

What was typed travels in the bodies of forms and sealed in URLs (`searches`), never in plain text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints import nav, references, searches
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import render_page
from app.helpdesk.search import queries, rules
from app.helpdesk.search.rules import ResultKind, SearchResult
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum

blp = PageBlueprint("go_to", None)

#: The pages of what has no public id, or is shown elsewhere.
_URLS: Mapping[ResultKind, Callable[[str], str]] = {
    ResultKind.STAFF: lambda person_id: url_for("people_pages.show_person", person_id=person_id),
    ResultKind.PRODUCT: lambda sku: url_for("products_pages.show_product", sku=sku),
    ResultKind.SETTING: lambda name: url_for("settings_pages.show_setting", name=name),
    ResultKind.RECORD: lambda request_id: url_for(
        "audit_pages.list_audit_records", request=request_id
    ),
    ResultKind.INVOICE: lambda document_id: url_for(
        "documents_pages.download_document", document_id=document_id
    ),
    ResultKind.COLLECTION: lambda shipment_id: url_for(
        "collection_pages.show_goods", shipment_id=shipment_id
    ),
}


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page that the search offers."""

    url: str
    title: str
    detail: str = ""
    at: datetime | None = None
    status: LabelledEnum | None = None


@dataclass(frozen=True, slots=True)
class FoundPages:
    """Pages under one heading."""

    title: str
    pages: Sequence[FoundPage]


@blp.view("POST", "/go", permission=Permission.ACCOUNT_READ)
def find(_session: Session, _actor: Actor) -> Response:
    """Search for what was typed: its URL holds it sealed."""
    return see_other(searches.url_of("go_to_pages.go_to", q=searches.typed_text("q")))


@blp.view("POST", "/go/results", permission=Permission.ACCOUNT_READ)
def show_results(session: Session, actor: Actor) -> Response:
    """Show what was found, in the dialog of every page."""
    text = searches.typed_text("q")
    groups = _list_pages(session, actor, text) if text else []
    return render_page("search_results.html", text=text, groups=groups)


# It writes: whether a page is found is decided by the page, and some pages record their viewing.
@blp.view("GET", "/go", permission=Permission.ACCOUNT_READ, writes=True)
def go_to(session: Session, actor: Actor) -> Response:
    """Redirect to the only page that the text names, or show what was found."""
    text, problem, groups = "", "", list[FoundPages]()
    try:
        text = searches.searched_text("q")
    except Invalid as refusal:
        problem = refusal.message
    if prefix := ids.prefix_of(text.lower()):
        public_id = text.lower()
        if url := references.find_url(session, actor, public_id):
            return see_other(url)
        problem = _explain_missing(prefix, public_id, actor)
    elif text:
        found = queries.search(session, actor, text)
        exact = rules.find_only_exact(found)
        if exact is not None and (url := _find_url(actor, exact)):
            return see_other(url)
        groups = [*_found(actor, found), *_list_nav(actor, text)]
        problem = "" if groups else f"Nothing that you may open is found by “{text}”."
    return render_page(
        "go_to.html",
        text=text,
        groups=groups,
        problem=problem,
        referenced={
            prefix: page
            for prefix, page in references.list_pages().items()
            if page.permission in actor.permissions
        },
        may_find_people=Permission.PEOPLE_READ in actor.permissions,
        may_find_records=Permission.AUDIT_READ in actor.permissions,
    )


def _list_pages(session: Session, actor: Actor, text: str) -> list[FoundPages]:
    """Return the pages that the text may mean; of an id, the one that says whether it exists."""
    public_id = text.lower()
    if prefix := ids.prefix_of(public_id):
        page = references.list_pages().get(prefix)
        noun = page.noun if page is not None else "ID"
        url = searches.url_of("go_to_pages.go_to", q=public_id)
        return [FoundPages("ID", [FoundPage(url, f"Open {noun}", public_id)])]
    found = queries.search(session, actor, text)
    exact = rules.find_only_exact(found)
    groups, pages = list(_found(actor, found)), list(_list_nav(actor, text))
    return [*groups, *pages] if exact is not None else [*pages, *groups]


def _found(actor: Actor, groups: Sequence[rules.SearchGroup]) -> Iterator[FoundPages]:
    for group in groups:
        pages = [
            FoundPage(
                url,
                result.title,
                " · ".join(filter(None, (result.person, result.detail))),
                result.at,
                result.status,
            )
            for result in group.results
            if (url := _find_url(actor, result))
        ]
        if pages:
            yield FoundPages(group.kind.label, pages)


def _find_url(actor: Actor, result: SearchResult) -> str | None:
    url_of = _URLS.get(result.kind)
    if url_of is not None:
        return url_of(result.key)
    return references.url_for_reference(result.key, actor)


def _list_nav(actor: Actor, text: str) -> Iterator[FoundPages]:
    """Yield the pages of the sidebar that are called so."""
    wanted = rules.parse_text(text)
    pages = [
        FoundPage(url_for(entry.endpoint), entry.title, section.title)
        for section in nav.sections_for(actor)
        for entry in section.entries
        if rules.is_named(wanted, entry.title)
    ]
    if pages:
        yield FoundPages("Pages", pages)


def _explain_missing(prefix: str, public_id: str, actor: Actor) -> str:
    page = references.list_pages().get(prefix)
    if page is None:
        return f"No page shows IDs that begin with {prefix}_."
    if page.permission not in actor.permissions:
        return f"To open this {page.noun}, you need the permission {page.permission}."
    return f"No {page.noun} that you may open has the ID {public_id}."
