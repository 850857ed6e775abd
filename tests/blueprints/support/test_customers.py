"""The pages of a customer, in a browser without script."""

import pytest
from flask import Flask

from app.access import Actor, Role
from app.blueprints import customer_tabs
from app.cases import service as cases
from app.helpdesk.customers.rules import TimelineKind
from app.kit import ids
from app.kit.db import Database
from tests.page_client import Browser, Page
from tests.people import People
from tests.recorded_trips import record_trips
from tests.staff import sign_in

TRIPS_MAX = 12


def path_of(person: Actor, part: str = "") -> str:
    return f"/support/customers/{ids.encode('usr', person.user_id)}{part}"


def links_to_parts(page: Page) -> list[str]:
    """Return the links that lead to parts of a customer, in the order of the page."""
    found = (link["href"] for link in page.all("a"))
    return list(dict.fromkeys(href for href in found if "/usr_" in href and "?" not in href))


def open_case(database: Database, person: Actor, title: str) -> None:
    with database.transaction() as session:
        cases.open_case(
            session,
            kind="test.finding",
            key=str(ids.new()),
            subject=ids.encode("usr", person.user_id),
            person_id=person.user_id,
            title=title,
            facts={},
        )


def test_every_part_takes_few_trips_and_is_a_fragment_too(
    browser: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = people.customer(USD="5")
    page = browser.get_page(path_of(person))
    assert "Ada Lovelace" in page.visible_text
    links = links_to_parts(page)
    assert len(links) == len(customer_tabs.TABS)
    trips = record_trips(monkeypatch)
    for link in links[:-1]:
        trips.clear()
        browser.get_page(link)
        assert len(trips) <= TRIPS_MAX, (link, trips)
        browser.get_fragment(link, "part")


def test_timeline_has_the_newest_of_all_kinds_first_in_pages_or_one_kind_alone(
    app: Flask, people: People, database: Database
) -> None:
    support, person = sign_in(app, people.staff(Role.SUPPORT)), people.customer()
    for number in range(21):
        open_case(database, person, f"Finding {number:02}")
    page = support.get_page(path_of(person))
    assert "Open case" in page.visible_text
    shown = page.visible_text
    assert shown.index("Finding 20") < shown.index("Finding 01")
    assert "Finding 00" not in shown
    [older] = [link["href"] for link in page.all("a", rel="next")]
    assert "Finding 00" in support.get_page(older).visible_text
    of_deposits = support.get_page(f"{path_of(person)}?kind={TimelineKind.DEPOSIT}")
    assert "Nothing yet" in of_deposits.visible_text


def test_pages_of_customers_show_no_staff_and_no_part_without_its_permission(
    app: Flask, browser: Browser, people: People
) -> None:
    colleague = people.staff(Role.COMPLIANCE)
    opened = browser.client.get(path_of(colleague))
    account = f"/admin/people/{ids.encode('usr', colleague.user_id)}"
    assert (opened.status_code, opened.location) == (303, account)
    browser.get_page(path_of(colleague, "/security"), status=404)
    support = sign_in(app, people.staff(Role.SUPPORT))
    links = links_to_parts(support.get_page(path_of(people.customer())))
    assert any(link.endswith("/money") for link in links)
    assert not any(link.endswith("/audit") for link in links)
