"""Fulfilment analytics: how shipments and redemptions of a period went."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints import file_downloads
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import render_page
from app.books import periods
from app.books.periods import BooksPeriod
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Invalid
from app.reporting import fulfilment as fulfilment_reports
from app.reporting import inventory as inventory_reports

blp = PageBlueprint("fulfilment", "/admin/fulfilment")
_FIELDS = ("from", "to")


@dataclass(frozen=True, slots=True)
class _Search:
    """The period that the URL asks for. Where a text is wrong, `problems` names its field."""

    texts: Mapping[str, str]
    period: BooksPeriod
    problems: Mapping[str, str]

    def url(self, endpoint: str) -> str:
        """Return the URL of the same period elsewhere."""
        query = urlencode({name: text for name, text in self.texts.items() if text})
        return f"{url_for(endpoint)}?{query}" if query else url_for(endpoint)


def _read_search() -> _Search:
    now = clock.now()
    texts = {name: request.args.get(name, "") for name in _FIELDS}
    try:
        return _Search(texts, periods.parse_period(texts["from"], texts["to"], now), {})
    except Invalid as refusal:
        return _Search(texts, periods.default_period(now), {refusal.field: refusal.message})


@blp.view("GET", "", permission=Permission.SHIPMENTS_READ, snapshot=True)
def show_fulfilment(session: Session, _actor: Actor) -> Response:
    """Show how the shipments and redemptions of a period went."""
    search = _read_search()
    period = search.period
    return render_page(
        "admin/fulfilment/index.html",
        search=search,
        report=fulfilment_reports.read_report(session, period.start, period.end),
        inventory=inventory_reports.summarize_inventory(session),
        hours=fulfilment_reports.hours,
    )


@blp.view("POST", "", permission=Permission.SHIPMENTS_READ)
def find_fulfilment(_session: Session, _actor: Actor) -> Response:
    """Lead to the URL of the period that the form asks for."""
    texts = {name: request.form.get(name, "").strip()[:40] for name in _FIELDS}
    query = urlencode({name: text for name, text in texts.items() if text})
    url = url_for("fulfilment_pages.show_fulfilment")
    return see_other(f"{url}?{query}" if query else url)


@blp.view("GET", "/figures.csv", permission=Permission.SHIPMENTS_READ, snapshot=True)
def download_csv(session: Session, _actor: Actor) -> Response:
    """Download the figures of a period as CSV."""
    period = _read_search().period
    report = fulfilment_reports.read_report(session, period.start, period.end)
    content = fulfilment_reports.render_csv(report)
    response = file_downloads.respond(content, "fulfilment.csv", fulfilment_reports.MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response
