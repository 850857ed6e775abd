"""The pages of screening: lists, a name to be tried, who was screened."""

import pytest
from flask import Flask

from app.access import Actor, Role
from app.kit import ids
from app.kit.db import Database
from app.screening import service as screening
from app.screening.rules import Named
from app.screening.service import Screening
from tests import sanctions
from tests.page_client import Browser, check
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged

PATH = "/admin/screening"


@pytest.fixture
def browser(app: Flask, people: People, database: Database) -> Browser:
    sanctions.stand(database)
    browser = Browser(app)
    browser.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD)
    return browser


def screened(database: Database, who: Actor, name: str) -> Screening:
    with database.transaction() as session:
        return screening.screen(
            session,
            Named((name,), countries=frozenset({"MD"})),
            about=ids.encode("usr", who.user_id),
            purpose="onboarding",
            person_id=who.user_id,
        )


def test_who_was_screened_and_what_was_found(lone_app: Flask) -> None:
    # Other tests may have been in the future, or sealed what they wrote with keys of their own.
    database: Database = lone_app.extensions["database"]
    sanctions.stand(database)
    people, browser = People(database), Browser(lone_app)
    browser.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD)
    who = people.customer()
    hit = screened(database, who, f"<i>{sanctions.LISTED}</i>".replace("i>", "y>"))
    clear = screened(database, who, "Grace <Hopper>")
    hit_path, clear_path = (f"{PATH}/{ids.encode('scr', each.id)}" for each in (hit, clear))
    page = browser.fragment(PATH, "screenings")
    assert {"href": hit_path} in page.all("a")
    assert {"href": clear_path} not in page.all("a")
    everybody = browser.fragment(f"{PATH}?folder=all", "screenings")
    assert {"href": clear_path} in everybody.all("a")
    shown = browser.fragment(hit_path, "screening")
    assert "ESPERPENTO VILLANOVA, Dragomir Casimir" in shown.said
    assert "Treasurer" not in shown.said
    assert hit.case_id is not None
    assert {"href": f"/admin/cases/{ids.encode('cas', hit.case_id)}"} in shown.all("a")
    unreadable = screened(database, people.customer(), "Иван Петров")
    shown = browser.fragment(f"{PATH}/{ids.encode('scr', unreadable.id)}", "screening")
    assert "Cannot be compared" in shown.said
    assert "Nothing on the sanctions list matches" in browser.fragment(clear_path, "screening").said
    for path in (f"{PATH}/{ids.encode('scr', ids.new())}", f"{PATH}?cursor=nonsense"):
        browser.get(path, status=404)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": sanctions.LISTED}, "ESPERPENTO VILLANOVA, Dragomir Casimir"),
        ({"name": "Dragan Esperpento", "born": "1960-06-14", "country": "MD"}, "Also known as"),
        ({"name": "Grace Hopper"}, "No listed name matches this one"),
    ],
)
def test_a_name_is_tried_and_nothing_kept(
    database: Database, browser: Browser, fields: dict[str, str], said: str
) -> None:
    with database_unchanged(database, apart_from={"login_sessions"}):
        answer = browser.send(PATH, "check", **fields)
    assert answer.status_code == 200
    assert said in check(answer).said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "Enter a name (1 to 200 characters)."),
        ({"name": "x" * 201}, "Enter a name (1 to 200 characters)."),
        ({"name": "Ada", "born": "yesterday"}, "Enter a date, like 1970-12-31."),
        ({"name": "Ada", "country": "XX"}, "Choose a country from the list."),
    ],
)
def test_a_mistake_is_said(
    database: Database, browser: Browser, fields: dict[str, str], said: str
) -> None:
    with database_unchanged(database, apart_from={"login_sessions"}):
        answer = browser.send(PATH, "check", **fields)
    assert answer.status_code == 422
    assert said in check(answer).said


def test_without_a_list_the_page_says_so(lone_app: Flask) -> None:
    database: Database = lone_app.extensions["database"]
    browser = Browser(lone_app)
    browser.sign_in(People(database).staff(Role.COMPLIANCE).email, PASSWORD)
    assert "No sanctions list yet" in browser.get(PATH).said
    answer = browser.send(PATH, "check", name="Ada")
    assert answer.status_code == 503
    assert "There is no sanctions list yet" in check(answer).said


def test_it_is_for_compliance_and_oversight(app: Flask, people: People, database: Database) -> None:
    sanctions.stand(database)
    for role, status in (
        (Role.AUDITOR, 200), (Role.ADMIN, 200), (Role.SUPPORT, 403), (Role.TELLER, 403),
    ):  # fmt: skip
        browser = Browser(app)
        branch = people.branch() if role is Role.TELLER else None
        browser.sign_in(people.staff(role, branch).email, PASSWORD)
        assert browser.client.get(PATH).status_code == status, role
