"""What is typed into a search is sealed in URLs, and opens where it was sealed for."""

import re
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from flask import Flask

from app.access import Role
from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.rows import change_rows

LIST = "/admin/people"
UNREADABLE = "This link cannot be read any more. Enter the search again."


@pytest.fixture
def mark(people: People, database: Database) -> str:
    """The text that the emails of 27 new people share: a page and two."""
    mark = uuid4().hex
    for number in range(27):
        email = f"{mark}-{number:02}@example.com"
        person = people.customer()
        with database.transaction() as session:
            change_rows(session, User, User.id == person.user_id, email=email, email_key=email)
    return mark


def search(browser: Browser, **fields: str) -> str:
    """Search the list as a person does, and return the URL of what was found."""
    sent = browser.submit_form(LIST, "find", **fields)
    assert sent.status_code == 303
    return sent.location


def test_typed_text_is_sealed_in_every_link_and_choices_stay_readable(
    app: Flask, browser: Browser, people: People, mark: str
) -> None:
    found = search(browser, q=mark, role="USER", sort="email")
    assert "role=USER&status=&sort=email" in found
    page = browser.get_page(found)
    assert "27 rows" in page.visible_text
    assert [field["value"] for field in page.all("input", id="find-q")] == [mark]
    urls = [a["href"] for a in page.all("a")] + [form["action"] for form in page.all("form")]
    assert [url for url in urls if mark in url] == []
    [following] = page.all("a", rel="next")
    assert "2 rows" not in browser.get_page(following["href"]).visible_text
    assert f"{mark}-26@example.com" in browser.get_page(following["href"]).visible_text
    # A cursor holds the email of the row at the edge.
    assert all(value.startswith("~") for value in parse_qs(following["href"])["cursor"])
    colleague = Browser(app)
    colleague.sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    assert "27 rows" in colleague.get_page(found).visible_text


def test_saved_view_keeps_the_text_and_its_link_has_it_sealed(
    browser: Browser, database: Database, mark: str
) -> None:
    name = uuid4().hex
    sent = browser.submit_form(
        search(browser, q=mark, sort="email"), "save-view", name=name, role=""
    )
    assert mark not in sent.location
    with database.reading() as session:
        [(query,)] = session.rows("SELECT query FROM saved_views WHERE name = %s", (name,))
    assert query == f"q={mark}&role=&status=&sort=email"
    text = browser.client.get(LIST).get_data(as_text=True)
    [href] = re.findall(rf'<a href="([^"]+)">{name}</a>', text)
    assert mark not in href
    assert "27 rows" in browser.get_page(href.replace("&amp;", "&")).visible_text


def test_id_stays_readable_in_the_url(browser: Browser, people: People) -> None:
    public_id = ids.encode("usr", people.customer().user_id)
    assert f"q={public_id}&" in search(browser, q=public_id)


@pytest.mark.parametrize("change", ["cut off", "of another list", "without content"])
def test_link_that_cannot_be_read_is_explained_and_lists_nothing(
    browser: Browser, change: str
) -> None:
    [token] = parse_qs(urlsplit(search(browser, q="Ada Lovelace")).query)["q"]
    path = {
        "cut off": f"{LIST}?q={token[:-3]}",
        "of another list": f"/admin/jobs?kind={token}",
        "without content": f"{LIST}?q=~",
    }[change]
    page = browser.get_page(path)
    assert UNREADABLE in page.visible_text
    assert page.all("tbody") == []


def test_search_with_a_problem_is_not_saved_as_a_view(browser: Browser) -> None:
    path = "/admin/payments/withdrawals?customer=unknown@example.com"
    sent = browser.submit_form(path, "save-view", name="Unknown", role="")
    text = browser.get_page(sent.location).visible_text
    assert "The view was not saved. No person has this email or ID." in text


def test_cursor_that_cannot_be_read_is_not_found(browser: Browser) -> None:
    browser.get_page(f"{LIST}?cursor=~abc", status=404)


def test_search_of_a_list_takes_its_permission(app: Flask, people: People) -> None:
    teller = Browser(app)
    teller.sign_in(people.staff(Role.TELLER, people.branch()).email, PASSWORD)
    for name, status in (("people", 403), ("unknown", 422)):
        fields = {"csrf_token": teller.csrf_token(), "list": name, "q": "Ada"}
        response = teller.client.post("/lists/find", data=fields)
        assert response.status_code == status
        check_page(response)
