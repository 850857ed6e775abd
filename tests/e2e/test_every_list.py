"""Every declared list in a browser: sort, filter, type, save and share a view, reload, export."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urljoin
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask, url_for
from playwright.sync_api import Page, expect

from app.access import Role
from app.blueprints import lists
from app.kit import ids
from app.kit.db import Database
from app.kit.list_query import COUNT_MAX
from app.kit.spreadsheets import unescape_formula
from app.outbox import service as outbox
from app.outbox.models import StagedJob
from tests.e2e.conftest import OpenDesk
from tests.house.authorization import OBJECT_KINDS
from tests.people import PASSWORD, People
from tests.rows import change_rows, delete_rows

#: Objects that lists show, by the route of their page.
_SHOWN = (
    "/admin/approvals/<approval_id>",
    "/admin/cases/<case_id>",
    "/admin/screening/<screening_id>",
    "/admin/payments/deposits/<deposit_id>",
    "/admin/payments/withdrawals/<withdrawal_id>",
    "/support/kyc/<verification_id>",
)
_SECONDS = re.compile(r"\b[0-9]{1,2} s\b")
#: Texts with letters in cells that could turn what is beside them, were they Arabic or Hebrew.
_BARE_TEXTS = """() => {
  const texts = document.createTreeWalker(document.querySelector("#list"), NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const place = texts.currentNode.parentElement;
    const isShown = place.closest("tbody th, tbody td") && /\\p{L}/u.test(texts.currentNode.data);
    if (isShown && !place.closest("bdi, time, code, .amount, .status, button")) {
      found.push(texts.currentNode.data);
    }
  }
  return found;
}"""

#: The headings, and the texts of each row. A cell with a time or an amount, which the page formats,
#: is null. All in one trip, because a page has hundreds of cells.
_SHOWN_CELLS = """() => {
  const list = document.querySelector("#list");
  const each = (place, selector, read) => [...place.querySelectorAll(selector)].map(read);
  return [
    each(list, "thead th:not(.is-tick)", (heading) => heading.innerText.trim()),
    each(list, "tbody tr", (row) => each(row, "th, td:not(.is-tick)", (cell) =>
      cell.querySelector("time, .amount") ? null : cell.innerText)),
  ];
}"""


@pytest.fixture
def _rows(database: Database, people: People) -> Iterator[None]:
    """Give the lists rows: two objects of each kind, and two failed jobs."""
    owner = people.customer()
    for route in _SHOWN * 2:
        OBJECT_KINDS[route].create(database, owner)
    with database.transaction() as session:
        delete_rows(session, StagedJob)
        for _ in range(2):
            job = outbox.stage(session, "messages.send_mail", {})
            change_rows(
                session,
                StagedJob,
                StagedJob.id == job,
                tries=12,
                dead_at=sa.func.now(),
                last_error="KeyError",
            )
    yield
    with database.transaction() as session:
        delete_rows(session, StagedJob)


@pytest.mark.usefixtures("_rows")
@pytest.mark.timeout(900)
def test_every_list_is_sorted_filtered_shared_and_exported(
    app: Flask, open_desk: OpenDesk, people: People
) -> None:
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    with app.test_request_context():
        paths = {each.page.name: url_for(each.endpoint) for each in lists.list_registered()}
    lists_with_rows = 0
    for name, path in paths.items():
        page.goto(f"{desk.address}{path}")
        lists_with_rows += page.locator("#list tbody tr").count() > 0
        assert page.evaluate(_BARE_TEXTS) == [], name
        _assert_csv_equals_page(page, name)
        if "/lists/exports/" in page.url:
            page.goto(f"{desk.address}{path}")
        _sort_by_every_column(page)
        has_filter = _choose_first_option(page)
        view = _save_shared_view(page)
        # test_lists.py clicks on one.
        page.goto(urljoin(page.url, page.locator("a", has_text=view).get_attribute("href")))
        assert (page.locator(".chips a").count() > 0) >= has_filter, name
    assert lists_with_rows >= len(_SHOWN)
    assert desk.complaints == []


@pytest.mark.usefixtures("_rows")
@pytest.mark.timeout(900)
def test_what_is_typed_into_any_search_is_in_no_url_and_no_access_log(
    app: Flask,
    open_desk: OpenDesk,
    people: People,
    access_log: list[str],
) -> None:
    desk, customer = open_desk(), people.customer()
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    with app.test_request_context():
        paths = {each.page.name: url_for(each.endpoint) for each in lists.list_registered()}
    searched = []
    for name, path in paths.items():
        page.goto(f"{desk.address}{path}")
        if _type_into_every_field(page, customer.email):
            searched.append(path)
            # A field for a number refuses the text: nothing is found that a file could contain.
            if not page.get_by_text("Nothing was searched for").count():
                _assert_csv_equals_page(page, name)
    assert len(searched) >= len(_SHOWN)
    page.goto(f"{desk.address}{paths['people']}")
    _type_into_every_field(page, customer.email)
    _save_and_open_view(page, customer.email)
    page.keyboard.press("Control+K")
    page.locator("#search-q").fill(f"unknown-{customer.email}")
    page.keyboard.press("Enter")
    expect(page.locator("#go-q")).to_have_value(f"unknown-{customer.email}")
    assert [text for text in urls + access_log if customer.email in unquote(text)] == []
    assert all(any(f"GET {path}?" in line for line in access_log) for path in searched)
    assert desk.complaints == []


@pytest.mark.usefixtures("_rows")
def test_bulk_action_names_the_row_that_was_refused_and_does_the_others_once(
    open_desk: OpenDesk, people: People, database: Database
) -> None:
    desk = open_desk()
    page = desk.sign_in(people.staff(Role.ADMIN).email, PASSWORD, "/admin/jobs")
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(2)
    with database.transaction() as session:
        [(oldest,)] = session.rows("SELECT min(id::text)::uuid FROM outbox")
        outbox.revive_job(session, None, oldest)
    for row in rows.all():
        row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Retry", exact=True).dblclick()
    expect(page.get_by_role("alert")).to_contain_text("1 of 2 done. The others were not changed.")
    expect(page.get_by_role("alert")).to_contain_text(ids.encode("job", oldest))
    expect(page.locator("#list").get_by_text("No failed jobs")).to_be_visible()


def _sort_by_every_column(page: Page) -> None:
    for label in page.locator("#list a.sort").all_inner_texts():
        header = page.locator("#list thead th").filter(has=page.locator("a.sort", has_text=label))
        before = header.first.get_attribute("aria-sort")
        header.first.locator("a.sort").click()
        expect(header.first).not_to_have_attribute("aria-sort", before or "")


def _choose_first_option(page: Page) -> bool:
    """Search with the first value of the first filter that has choices."""
    choices = page.locator("#find select")
    if choices.count() == 0 or choices.first.locator("option").count() < 2:
        return False
    choices.first.select_option(index=1)
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".chips a").first).to_be_visible()
    return True


def _type_into_every_field(page: Page, text: str) -> bool:
    """Search with this text in every field, if there are any, and reload what was found."""
    fields = page.locator("#find input[type=search]")
    if fields.count() == 0:
        return False
    for field in fields.all():
        field.fill(text)
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**?*")
    page.reload()
    assert [field.input_value() for field in fields.all()] == [text] * fields.count()
    return True


def _save_and_open_view(page: Page, text: str) -> None:
    """Save the open search, remove a filter, go back, and open the saved search."""
    fields = page.locator("#find input[type=search]")
    view = _save_shared_view(page)
    page.locator(".chips a", has_text=text).first.click()
    expect(fields.first).to_have_value("")
    page.go_back()
    expect(fields.first).to_have_value(text)
    page.get_by_role("button", name="Views").click()
    page.get_by_role("link", name=view).click()
    expect(fields.first).to_have_value(text)


def _save_shared_view(page: Page) -> str:
    view = f"View {uuid4().hex}"
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Save this view as").fill(view)
    page.get_by_label("Share with").select_option(Role.AUDITOR.value)
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_text("View saved.")).to_be_visible()
    return view


def _assert_csv_equals_page(page: Page, name: str) -> None:
    if page.get_by_text(f"{COUNT_MAX:,}+ rows").count():
        # A job prepares the file of a long list; other tests made many entries.
        page.get_by_role("button", name="CSV", exact=True).click()
        page.wait_for_url("**/lists/exports/**")
        return
    # A busy machine takes its time: how long it takes says nothing of the file.
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        heading, *rows = csv.reader(file)
    labels, shown = page.evaluate(_SHOWN_CELLS)
    assert len(rows) >= len(shown), name
    if not labels:
        return
    assert [label for label in heading if label != "Asset"] == labels, name
    for row, cells in zip(rows, shown, strict=False):
        texts = [
            unescape_formula(text)
            for label, text in zip(heading, row, strict=True)
            if label != "Asset"
        ]
        for text, cell in zip(texts, cells, strict=True):
            if cell is not None:
                # The page groups the digits of a count; a file is for spreadsheets.
                is_count = text.isdecimal() and cell == f"{int(text):,}"
                # An age in seconds goes on between the page and the file.
                is_age = _SECONDS.fullmatch(text) and _SECONDS.search(cell)
                assert is_count or is_age or (text or "–") in cell, (name, row)
