"""Declared lists, seen on the list of people: search, sort, paging, columns, views and the CSV."""

import csv
import io
import re
from uuid import uuid4

import pytest
from flask import Flask

from app.access import Actor, Role
from app.blueprints import lists
from app.identity.models import User
from app.kit import list_query
from app.kit.db import Database
from tests.mailbox import run_pending_jobs
from tests.page_client import Browser, Page
from tests.people import PASSWORD, People
from tests.rows import change_rows

LIST = "/admin/people"


@pytest.fixture
def crowd(people: People, database: Database) -> str:
    """The text that the emails of thirty new people share."""
    mark = uuid4().hex
    for number in range(30):
        rename(database, people.customer(), email=f"{mark}-{number:02}@example.com")
    return mark


def rename(database: Database, person: Actor, **columns: str) -> None:
    email = columns["email"]
    with database.transaction() as session:
        change_rows(
            session,
            User,
            User.id == person.user_id,
            email=email,
            email_key=email,
            first_name=columns.get("first_name", "Ada"),
        )


def emails(page: Page, mark: str) -> list[str]:
    return [word for word in page.visible_text.split() if word.startswith(f"{mark}-")]


def link(page: Page, **attributes: str) -> str:
    [found] = page.all("a", **attributes)
    return LIST + found["href"].removeprefix(LIST)


def test_sorted_list_is_paged_forward_and_back_without_a_gap(browser: Browser, crowd: str) -> None:
    first = browser.get_page(f"{LIST}?q={crowd}&sort=email")
    assert "30 rows" in first.visible_text
    assert emails(first, crowd) == [f"{crowd}-{n:02}@example.com" for n in range(25)]
    second = browser.get_page(link(first, rel="next"))
    assert emails(second, crowd) == [f"{crowd}-{n:02}@example.com" for n in range(25, 30)]
    assert second.all("a", rel="next") == []
    again = browser.get_page(link(second, rel="prev"))
    assert emails(again, crowd) == emails(first, crowd)
    assert again.all("a", rel="prev") == []
    down = browser.get_page(f"{LIST}?q={crowd}&sort=-email")
    assert emails(down, crowd)[0] == f"{crowd}-29@example.com"


@pytest.mark.usefixtures("app")
def test_every_list_can_be_continued_in_each_of_its_sorts(database: Database, admin: Actor) -> None:
    """A cursor holds a sort value and a key: both are read back by the type of their columns."""
    for registered in lists.list_registered():
        with database.reading() as session:
            source = registered.page.source(session, admin)
        for column in (*source.sorts.values(), source.key):
            name = f"{registered.page.name}: {column}"
            assert column.type.python_type in list_query._PARSERS, name


@pytest.mark.usefixtures("crowd")
def test_all_rows_are_counted_without_a_filter(browser: Browser) -> None:
    [count] = re.findall(r"([\d,]+)\+? rows", browser.get_page(LIST).visible_text)
    assert int(count.replace(",", "")) >= 30


def test_cursor_of_another_sort_is_not_found(browser: Browser, crowd: str) -> None:
    cursor = link(browser.get_page(f"{LIST}?q={crowd}&sort=email"), rel="next").split("cursor=")[1]
    browser.get_page(f"{LIST}?q={crowd}&sort=joined&cursor={cursor}", status=404)


def test_unknown_filter_value_is_named_and_nothing_is_listed(browser: Browser) -> None:
    page = browser.get_page(f"{LIST}?role=KING")
    assert "Role: choose a value from the list." in page.visible_text
    assert page.all("tbody") == []


def test_chip_removes_only_its_filter(browser: Browser, crowd: str) -> None:
    page = browser.get_page(f"{LIST}?q={crowd}&role=AUDITOR")
    assert "Nothing fits the filters" in page.visible_text
    chips = [a["href"] for a in page.all("a") if a.get("class") == "chip"]
    assert len(chips) == 2
    [without_role] = [href for href in chips if "role=&" in href]
    assert "30 rows" in browser.get_page(without_role).visible_text


def test_columns_and_density_are_kept_for_the_person(
    app: Flask, browser: Browser, people: People
) -> None:
    page = f"{LIST}?sort=email"
    sent = browser.submit_form(page, "list-settings", columns="id", density="compact", act="save")
    assert sent.status_code == 303
    shown = browser.get_page(sent.location)
    heads = [th["scope"] for th in shown.all("th", scope="col")]
    assert len(heads) == 2
    assert shown.all("div", **{"class": "card panel list is-compact"})
    other = Browser(app)
    other.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    assert len(other.get_page(LIST).all("th", scope="col")) == 5
    browser.submit_form(page, "list-settings", act="reset", density="compact")
    assert len(browser.get_page(LIST).all("th", scope="col")) == 5


def test_saved_view_is_private_until_it_is_shared_with_a_role(
    app: Flask, browser: Browser, people: People
) -> None:
    name = uuid4().hex
    page = f"{LIST}?role=TELLER&sort=email"
    sent = browser.submit_form(page, "save-view", name=name, role="")
    assert "View saved." in browser.get_page(sent.location).visible_text
    other = Browser(app)
    other.sign_in(people.staff(Role.AUDITOR).email, PASSWORD)
    assert name not in other.get_page(LIST).visible_text
    refused = browser.submit_form(page, "save-view", name=name, role="AUDITOR")
    assert "already have a view" in browser.get_page(refused.location).visible_text
    browser.submit_form(page, "save-view", name=f"{name}-2", role="AUDITOR")
    shown = other.get_page(LIST)
    assert f"{name}-2" in shown.visible_text
    assert not [form for form in shown.all("form") if form["id"].startswith("delete-")]


def test_csv_has_the_rows_and_columns_of_the_page_and_no_formula(
    browser: Browser, database: Database, people: People
) -> None:
    mark = uuid4().hex
    rename(database, people.customer(), email=f"{mark}@example.com", first_name="=1+1")
    sent = browser.submit_form(f"{LIST}?q={mark}&sort=email", "list-export")
    assert sent.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    head, *rows = csv.reader(io.StringIO(sent.text))
    assert head == ["Name", "Email", "Role", "Joined", "Status"]
    [row] = rows
    assert row[0].startswith("'=1+1")
    assert row[1] == f"{mark}@example.com"
    with database.reading() as session:
        [recorded] = session.rows(
            "SELECT after->>'rows' FROM audit_records WHERE action = 'list.exported'"
            " AND after->>'query' LIKE %s",
            (f"%{mark}%",),
        )
    assert recorded == ("1",)


def test_large_csv_is_prepared_by_a_job_for_its_person_only(
    app: Flask,
    browser: Browser,
    crowd: str,
    database: Database,
    people: People,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_query, "COUNT_MAX", 20)
    sent = browser.submit_form(f"{LIST}?q={crowd}&sort=email", "list-export")
    assert "is being prepared" in browser.get_page(sent.location).visible_text
    run_pending_jobs(database, "lists.build_export")
    ready = browser.get_page(sent.location)
    [file] = [a["href"] for a in ready.all("a") if a["href"].endswith("/file")]
    _head, *rows = csv.reader(io.StringIO(browser.client.get(file).text))
    assert [row[1] for row in rows] == [f"{crowd}-{n:02}@example.com" for n in range(30)]
    other = Browser(app)
    other.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    assert other.client.get(file).status_code == 404
