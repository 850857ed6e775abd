"""The books: trial balance, balance sheet and income statement, at any past instant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints import file_downloads
from app.blueprints.lists import (
    ChoiceFilter,
    Column,
    ExactTimeCell,
    Filter,
    ListPage,
    Options,
    ReferenceCell,
)
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import render_page
from app.books import entries, periods, statement_csv
from app.books import queries as books_queries
from app.books.periods import BooksPeriod, ComparedPeriod
from app.books.queries import BooksStatement, Scope
from app.catalog.rules import TRADABLE
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_time
from app.vault.movements.rules import label_of

blp = PageBlueprint("books", "/admin/books")
_FIELDS = ("from", "to", "compare", "scope")
_PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class MomentFilter(Filter):
    """A filter by a day, or by a moment (UTC). `is_end`: a day is included."""

    is_end: bool = False
    type: str = field(default="text", init=False)

    def parse(
        self, _session: Session, _actor: Actor, text: str, _options: Options | None
    ) -> datetime:
        """Return the moment."""
        return periods.parse_moment(self.name, text, days=int(self.is_end))


POSTINGS = ListPage(
    name="book_postings",
    title="Entries",
    about="Every posting of money, metal and tokens, as it is in the ledger.",
    source=lambda _session, _actor: entries.POSTINGS,
    columns=(
        Column("posted", "Posted", lambda row: ExactTimeCell(row.posted_at), sort="posted"),
        Column("account", "Account", lambda row: row.class_name),
        Column("branch", "Branch", lambda row: row.branch_code, is_code=True),
        Column("asset", "Asset", lambda row: row.asset, is_hidden=True),
        Column("debit", "Debit", lambda row: row.debit),
        Column("credit", "Credit", lambda row: row.credit),
        Column("cause", "Cause", lambda row: label_of(row.cause)),
        Column("reference", "Reference", lambda row: ReferenceCell(row.reference)),
        Column("entry", "Entry", lambda row: row.entry_id, is_hidden=True, is_figure=True),
    ),
    default_sort="-posted",
    filters=(
        ChoiceFilter(
            "account", "Account", choices=lambda session, _actor: entries.list_classes(session)
        ),
        ChoiceFilter(
            "asset", "Asset", choices=lambda _session, _actor: [(code, code) for code in TRADABLE]
        ),
        ChoiceFilter(
            "scope",
            "Of",
            choices=lambda session, _actor: [
                (scope.key, scope.name)
                for scope in books_queries.list_scopes(session)
                if scope.branch_ids is not None
            ],
        ),
        ChoiceFilter(
            "adjusting",
            "Adjusting",
            choices=lambda _session, _actor: [("yes", "Only adjusting"), ("no", "Without these")],
            convert=lambda text: text == "yes",
        ),
        MomentFilter("from", "From", hint="A day, or a moment, like 2026-06-30 14:05 (UTC)"),
        MomentFilter("to", "To", hint="A day is included", is_end=True),
    ),
    empty=("No entries yet", "Entries appear here once something was posted."),
)


@dataclass(frozen=True, slots=True)
class _Search:
    """What the URL asks for. Where a text is wrong, `problems` names its field."""

    texts: Mapping[str, str]
    period: BooksPeriod
    comparison: ComparedPeriod
    scope: Scope
    scopes: list[Scope]
    problems: Mapping[str, str]

    def read(self, session: Session) -> BooksStatement:
        """Return the statements."""
        return books_queries.read_statement(session, self.scope, self.period, self.comparison)

    def url(self, endpoint: str) -> str:
        """Return the URL of the same statements elsewhere."""
        query = urlencode({name: text for name, text in self.texts.items() if text})
        return f"{url_for(endpoint)}?{query}" if query else url_for(endpoint)

    def entries_url(
        self, account: str, end: datetime, start: datetime | None = None, asset: str = ""
    ) -> str:
        """Return the URL of the entries behind a figure: of a period, or until an instant."""
        scope = "" if self.scope.branch_ids is None else self.scope.key
        first = "" if start is None else periods.write_start(start)
        last = periods.write_end(end)
        texts = {"account": account, "asset": asset, "scope": scope, "from": first, "to": last}
        query = urlencode({name: text for name, text in texts.items() if text})
        return f"{url_for('books_pages.list_book_postings')}?{query}"


def _read_search(session: Session) -> _Search:
    now = clock.now()
    texts = {name: request.args.get(name, "") for name in _FIELDS}
    problems: dict[str, str] = {}
    period = periods.default_period(now)
    try:
        period = periods.parse_period(texts["from"], texts["to"], now)
    except Invalid as refusal:
        problems[refusal.field] = refusal.message
    scopes = books_queries.list_scopes(session)
    scope = next((each for each in scopes if each.key == texts["scope"]), scopes[0])
    comparison = ComparedPeriod.with_value(texts["compare"]) or ComparedPeriod.NONE
    return _Search(texts, period, comparison, scope, scopes, problems)


def _columns(titles: list[str]) -> list[tuple[str, bool, str]]:
    """Return the columns of a statement: its lines, and one of figures for each title."""
    return [("Line", False, ""), *((title, True, "") for title in titles)]


@blp.view("GET", "", permission=Permission.BOOKS_READ, snapshot=True)
def show_books(session: Session, _actor: Actor) -> Response:
    """Show the statements of a period."""
    search = _read_search(session)
    statement = search.read(session)
    ends = [format_time(period.end) for period in statement.periods]
    spans = [
        f"{format_time(period.start)} to {format_time(period.end)}" for period in statement.periods
    ]
    return render_page(
        "admin/books/index.html",
        search=search,
        statement=statement,
        ends=ends,
        spans=spans,
        end_columns=_columns(ends),
        span_columns=_columns(spans),
        comparisons=ComparedPeriod.options(),
        scopes=[(each.key, each.name) for each in search.scopes],
    )


@blp.view("POST", "", permission=Permission.BOOKS_READ)
def find_books(_session: Session, _actor: Actor) -> Response:
    """Lead to the URL of the statements that the form asks for."""
    texts = {name: request.form.get(name, "").strip()[:40] for name in _FIELDS}
    query = urlencode({name: text for name, text in texts.items() if text})
    url = url_for("books_pages.show_books")
    return see_other(f"{url}?{query}" if query else url)


@blp.view("GET", "/statement.csv", permission=Permission.BOOKS_READ, snapshot=True)
def download_csv(session: Session, _actor: Actor) -> Response:
    """Download the statements of a period as CSV."""
    content = statement_csv.render_csv(_read_search(session).read(session))
    return _attachment(content, "books.csv", statement_csv.MEDIA_TYPE)


@blp.view("GET", "/statement.pdf", permission=Permission.BOOKS_READ, snapshot=True)
def download_pdf(session: Session, _actor: Actor) -> Response:
    """Download the statements of a period as PDF."""
    from app.books import statement_pdf  # noqa: PLC0415 - its library takes 20 MB

    content = statement_pdf.render_pdf(_read_search(session).read(session))
    return _attachment(content, "books.pdf", _PDF)


def _attachment(content: bytes, name: str, media_type: str) -> Response:
    response = file_downloads.respond(content, name, media_type)
    response.headers["Cache-Control"] = "no-store"
    return response


blp.add_list("/entries", POSTINGS, permission=Permission.BOOKS_READ)
