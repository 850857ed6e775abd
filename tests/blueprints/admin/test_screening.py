"""The screening pages: list versions, checking a name, and screenings with their hits."""

import pytest
from flask import Flask

from app.access import Actor, Role
from app.cases import service as cases
from app.kit import ids
from app.kit.db import Database
from app.screening.matching import service as screening
from app.screening.matching.name_normalization import UNCOMPARABLE_NAME
from app.screening.matching.service import ScreeningResult
from app.screening.rules import ScreeningSubject
from tests import sanctions
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged

PATH = "/admin/screening"
pytestmark = pytest.mark.usefixtures("sanctions_list")


def screen(database: Database, person: Actor, name: str) -> ScreeningResult:
    with database.transaction() as session:
        return screening.screen(
            session,
            ScreeningSubject((name,), countries=frozenset({"MD"})),
            about=ids.encode("usr", person.user_id),
            purpose="onboarding",
            person_id=person.user_id,
        )


def test_screenings_and_their_hits_are_shown(lone_app: Flask) -> None:
    # Alone: other tests write rows in the future, or sealed with keys of their own.
    database: Database = lone_app.extensions["database"]
    sanctions.import_sample_list(database)
    people, officer_browser = People(database), Browser(lone_app)
    officer_browser.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD)
    person = people.customer()
    hit = screen(database, person, f"<i>{sanctions.LISTED_NAME}</i>".replace("i>", "y>"))
    clear = screen(database, person, "Grace <Hopper>")
    hit_path, clear_path = (f"{PATH}/{ids.encode('scr', each.id)}" for each in (hit, clear))
    page = officer_browser.get_fragment(PATH, "screenings")
    assert page.all("a", href=hit_path)
    assert not page.all("a", href=clear_path)
    all_screenings = officer_browser.get_fragment(f"{PATH}?decision=", "screenings")
    assert all_screenings.all("a", href=clear_path)
    shown = officer_browser.get_fragment(hit_path, "screening")
    assert "ESPERPENTO VILLANOVA, Dragomir Casimir" in shown.visible_text
    assert "Treasurer" not in shown.visible_text
    assert hit.case_id is not None
    assert {"href": f"/admin/cases/{ids.encode('cas', hit.case_id)}"} in shown.all("a")
    unreadable = screen(database, people.customer(), "Ив\x61н Петров")
    shown = officer_browser.get_fragment(f"{PATH}/{ids.encode('scr', unreadable.id)}", "screening")
    assert "Cannot be compared" in shown.visible_text
    assert (
        "Nothing on the sanctions list matches"
        in officer_browser.get_fragment(clear_path, "screening").visible_text
    )
    with database.transaction() as session:
        cases.close(
            session,
            people.staff(Role.COMPLIANCE),
            hit.case_id,
            disposition="not_a_match",
            reason="the passport says something else",
        )
    assert not officer_browser.get_page(PATH).all("a", href=hit_path)
    decided = officer_browser.get_page(f"{PATH}?decision=no_match")
    assert [row["href"] for row in decided.all("a") if "data-row-link" in row] == [hit_path]
    assert "False positive" in officer_browser.get_page(hit_path).visible_text
    for path in (f"{PATH}/{ids.encode('scr', ids.new())}", f"{PATH}?cursor=nonsense"):
        officer_browser.get_page(path, status=404)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": sanctions.LISTED_NAME}, "ESPERPENTO VILLANOVA, Dragomir Casimir"),
        ({"name": "Dragan Esperpento", "born": "1960-06-14", "country": "MD"}, "Also known as"),
        ({"name": "Grace Hopper"}, "No listed name matches “Grace Hopper”"),
    ],
)
def test_name_is_checked_and_not_saved(
    database: Database, officer_browser: Browser, fields: dict[str, str], expected: str
) -> None:
    with database_unchanged(database, apart_from={"login_sessions"}):
        response = officer_browser.submit_form(PATH, "check", **fields)
    assert response.status_code == 200
    assert expected in check_page(response).visible_text


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": " "}, "Enter a name (1 to 200 characters)."),
        ({"name": "x" * 201}, "Enter a name (1 to 200 characters)."),
        ({"name": "Ada", "born": "yesterday"}, "Enter a date, like 2026-11-28."),
        ({"name": "Ada", "country": "XX"}, "Choose a value from the list."),
        ({"name": "", "born": "1970-02-30"}, "Enter a date, like 2026-11-28."),
        ({"name": "Ив\x61н Петров"}, UNCOMPARABLE_NAME),
    ],
)
def test_invalid_field_is_a_problem_of_the_form_and_changes_nothing(
    database: Database, officer_browser: Browser, fields: dict[str, str], expected: str
) -> None:
    with database_unchanged(database, apart_from={"login_sessions"}):
        response = officer_browser.submit_form(PATH, "check", **fields)
    assert response.status_code == 422
    assert expected in check_page(response).visible_text


def test_check_without_a_sanctions_list_is_refused(lone_app: Flask) -> None:
    database: Database = lone_app.extensions["database"]
    officer_browser = Browser(lone_app)
    officer_browser.sign_in(People(database).staff(Role.COMPLIANCE).email, PASSWORD)
    assert "No sanctions list yet" in officer_browser.get_page(PATH).visible_text
    response = officer_browser.submit_form(PATH, "check", name="Ada")
    assert response.status_code == 503
    assert "There is no sanctions list yet" in check_page(response).visible_text


def test_screening_is_open_to_compliance_and_oversight_only(
    app: Flask, people: People, database: Database
) -> None:
    sanctions.import_sample_list(database)
    for role, status in (
        (Role.AUDITOR, 200), (Role.ADMIN, 200), (Role.SUPPORT, 403), (Role.TELLER, 403),
    ):  # fmt: skip
        officer_browser = Browser(app)
        branch = people.branch() if role is Role.TELLER else None
        officer_browser.sign_in(people.staff(role, branch).email, PASSWORD)
        assert officer_browser.client.get(PATH).status_code == status, role
