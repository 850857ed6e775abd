"""The navigation of the desks: what each role finds in it, and how it is read."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask

from app.access import BRANCH_BOUND_ROLES, Role
from app.blueprints import nav
from app.blueprints.shortcuts import PAGE_KEYS
from app.kit.db import Database
from app.kit.pipeline import Pipeline, Row, Statement
from tests.house.source import CHECKOUT
from tests.page_client import Browser, Page
from tests.people import PASSWORD, People

_HOMES = {Role.SUPPORT: "/support/", Role.TELLER: "/teller/"}
_STAFF = [role for role in Role if role is not Role.USER]


def sidebar_links(page: Page) -> list[str]:
    """Return the links of the sidebar, without the one to the public home page."""
    [start] = [
        n for n, (_, attributes) in enumerate(page.tags) if attributes.get("id") == "desk-nav"
    ]
    end = next(n for n, (tag, _) in enumerate(page.tags) if tag == "main")
    links = [attributes for tag, attributes in page.tags[start:end] if tag == "a"]
    return [link["href"] for link in links if link["href"] != "/"]


def breadcrumb(text: str) -> str:
    """Return the texts of the page's breadcrumb."""
    items = re.findall(
        r"<li[^>]*>(.*?)</li>", text.partition('aria-label="Breadcrumb"')[2].partition("</nav>")[0]
    )
    return " › ".join(re.sub(r"<[^>]+>", "", item) for item in items)


@pytest.mark.parametrize("role", _STAFF)
def test_staff_land_on_their_own_home_and_may_open_every_page_of_the_sidebar(
    open_app: Flask, role: Role
) -> None:
    people = People(open_app.extensions["database"])
    browser = Browser(open_app)
    branch_id = people.branch() if role in BRANCH_BOUND_ROLES else None
    home = browser.sign_in(people.staff(role, branch_id).email, PASSWORD).location
    assert home == _HOMES.get(role, "/admin/")
    page = browser.get_page(home)
    links = sidebar_links(page)
    assert links[0] == home
    for path in links[1:]:
        assert browser.client.get(path).status_code == 200, path
    for other in {"/admin/", "/support/", "/teller/"} - {home}:
        assert browser.client.get(other).location == home
    assert "There are no pages for your role yet" not in page.visible_text


@pytest.mark.parametrize(
    ("path", "crumbs", "current"),
    [
        ("/support/kyc", "Customers › Verification", ("/support/kyc", "page")),
        ("/teller/counter", "Branch › Counter", ("/teller/counter", "page")),
        ("/admin/roles/TELLER", "People › Roles › Role Teller", ("/admin/roles", "true")),
        ("/admin/", "", ("/admin/", "page")),
    ],
)
def test_page_names_its_place_and_keeps_its_list_current(
    app: Flask, people: People, path: str, crumbs: str, current: tuple[str, str]
) -> None:
    browser = Browser(app)
    browser.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    page = browser.get_page(path)
    assert breadcrumb(browser.client.get(path).text) == crumbs
    links = [link for link in page.all("a") if "aria-current" in link]
    assert [(link["href"], link["aria-current"]) for link in links] == [current]


def test_each_shortcut_opens_another_page_of_the_sidebar() -> None:
    endpoints = {entry.endpoint for section in nav.SECTIONS for entry in section.entries}
    assert PAGE_KEYS.keys() <= endpoints
    assert len({*PAGE_KEYS.values(), "g", "h"}) == len(PAGE_KEYS) + 2


def test_teller_without_a_branch_is_told_so_at_home(app: Flask, people: People) -> None:
    browser = Browser(app)
    page = browser.get_page(browser.sign_in(people.staff(Role.TELLER).email, PASSWORD).location)
    assert "You have no branch yet" in page.visible_text
    assert not [path for path in sidebar_links(page) if "branches" in path or "counter" in path]


def test_home_shows_what_waits_for_the_person(app: Flask, people: People) -> None:
    """An auditor sees what waits, without what only those who decide are asked for."""
    browser = Browser(app)
    page = browser.get_page(browser.sign_in(people.staff(Role.AUDITOR).email, PASSWORD).location)
    assert "in review" in page.visible_text
    assert "waiting for you" not in page.visible_text


def test_each_page_of_the_sidebar_has_an_icon_of_its_own() -> None:
    icons = [entry.icon for section in nav.SECTIONS for entry in section.entries]
    assert len(icons) == len(set(icons))
    drawn = re.findall(r'<symbol id="([^"]+)"', (CHECKOUT / "app/static/icons.svg").read_text())
    assert set(icons) <= set(drawn)


def test_counts_of_the_sidebar_take_one_round_trip(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []
    run = Pipeline.run

    def count_trip(pipeline: Pipeline, statements: list[Statement]) -> list[list[Row]]:
        trips.append(len(statements))
        return run(pipeline, statements)

    monkeypatch.setattr(Pipeline, "run", count_trip)
    admin = people.staff(Role.ADMIN)
    trips.clear()
    # By then no request of another test waits: of those that do, the makers are looked at as well.
    with time_machine.travel(datetime(2199, 1, 1, tzinfo=UTC)), database.reading() as session:
        counts = nav.counts(session, admin)
    # Those that are one number share a statement.
    [statements] = trips
    assert 1 <= statements < len(counts) / 2
