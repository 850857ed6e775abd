"""A declared form that was not sent is shown again: after Cancel or Back at the proof, with files,
and after the sign-in of a person whose session had timed out. Nothing happens twice."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Actor, Role
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.identity.sign_in import staff_sessions
from app.identity.sign_in.rules import IDLE_LIMIT, PROOF_LIFETIME
from app.kit import clock, ids
from app.kit.db import Database
from tests.page_client import Page, check_page
from tests.people import PASSWORD, People
from tests.staff import StaffBrowser, create_member_with_app
from tests.unchanged_database import database_unchanged

REASON = "The bank corrected it"
CLOSING = {"disposition": "no_action", "reason": REASON}
LATE = "Not sent yet, because you were signed out."


@pytest.fixture
def staff_browser(app: Flask, officer: Actor) -> StaffBrowser:
    """A browser in which an officer is signed in, and which can take every way to sign in again."""
    browser = StaffBrowser(app)
    browser.sign_in(officer.email, PASSWORD)
    return browser


@pytest.fixture
def case(database: Database) -> str:
    """The path of an open case."""
    with database.transaction() as session:
        case_id = cases.open_case(
            session, kind="test.difference", key=str(ids.new()), title="A", facts={}, subject="bank"
        )
    return f"/admin/cases/{ids.encode('cas', case_id)}"


def texts_of_events(database: Database, case: str) -> list[str]:
    """Return what was written on the case."""
    with database.reading() as session:
        events = cases_queries.events(session, ids.decode("cas", case.rpartition("/")[2]))
    return [event.text for event in events if event.text]


def send(
    staff_browser: StaffBrowser, case: str, data: dict[str, object], name: str
) -> TestResponse:
    """Send a form of the case, without opening its page."""
    referer = {"Referer": f"http://localhost{case}"}
    return staff_browser.client.post(f"{case}/{name}", data=data, headers=referer)


def filled(staff_browser: StaffBrowser, case: str, form: str, **fields: str) -> dict[str, object]:
    """Return the fields of a form of the case that a person filled in."""
    return {**staff_browser.get_page(case).hidden_fields[form], **fields}


def prove(staff_browser: StaffBrowser, location: str) -> TestResponse:
    """Reauthenticate at the location, and follow a 307 as a browser does."""
    hidden = staff_browser.get_page(location).hidden_fields["prove-form"]
    fields = {**hidden, "password": PASSWORD}
    response = staff_browser.client.post("/auth/prove", data=fields)
    if response.status_code != 307:
        return response
    return staff_browser.client.post(response.location, data=fields)


def value_of(page: Page, field: str) -> str:
    """Return the text that a field of the page holds."""
    [element] = page.all("input", id=field)
    return element["value"]


class TestOldProof:
    """The proof is eleven minutes old."""

    @pytest.fixture(autouse=True)
    def _later(self, staff_browser: StaffBrowser) -> Iterator[None]:
        with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(minutes=1)):
            yield

    def test_form_is_shown_again_until_it_is_sent(
        self, staff_browser: StaffBrowser, database: Database, case: str
    ) -> None:
        data = filled(staff_browser, case, "close", **CLOSING)
        first = send(staff_browser, case, data, "close").location
        # Cancel, Back and a reload are the same request.
        page = staff_browser.get_page(case)
        assert "Not sent yet. This is what you entered." in page.visible_text
        assert value_of(page, "close-reason") == REASON
        assert [option for option in page.all("option", value="no_action") if "selected" in option]
        assert page.hidden_fields["close"]["form_token"] == data["form_token"]
        # Sent again from there and finished; the proof in the first tab finishes nothing more.
        second = send(
            staff_browser, case, filled(staff_browser, case, "close", **CLOSING), "close"
        ).location
        assert prove(staff_browser, second).location == case
        assert "Not sent yet" in staff_browser.get_page(first).visible_text
        assert texts_of_events(database, case) == [REASON]

    def test_double_click_leaves_no_copy(
        self, staff_browser: StaffBrowser, database: Database, case: str
    ) -> None:
        data = filled(staff_browser, case, "close", **CLOSING)
        locations = [send(staff_browser, case, data, "close").location for _ in range(2)]
        prove(staff_browser, locations[1])
        reopening = filled(staff_browser, case, "reopen", reason="It differs again")
        assert send(staff_browser, case, reopening, "reopen").location == case
        assert "Not sent yet" not in staff_browser.get_page(case).visible_text

    def test_discarded_form_is_not_shown_again(
        self, staff_browser: StaffBrowser, case: str
    ) -> None:
        location = send(
            staff_browser, case, filled(staff_browser, case, "close", **CLOSING), "close"
        ).location
        page = staff_browser.get_page(case)
        [discard] = page.all("form", id="close-discard")
        token = page.hidden_fields["close-discard"]
        referer = {"Referer": f"http://localhost{case}"}
        response = staff_browser.client.post(discard["action"], data=token, headers=referer)
        assert response.location == case
        page = staff_browser.get_page(case)
        assert "Not sent yet" not in page.visible_text
        assert value_of(page, "close-reason") == ""
        assert "Not sent yet" in staff_browser.get_page(location).visible_text

    def test_form_that_was_corrected_after_the_proof_is_not_shown_again(
        self, staff_browser: StaffBrowser, database: Database, case: str
    ) -> None:
        data = filled(staff_browser, case, "close", disposition="", reason=REASON)
        refused = check_page(
            prove(staff_browser, send(staff_browser, case, data, "close").location)
        )
        corrected = {**refused.hidden_fields["close"], **CLOSING}
        assert send(staff_browser, case, corrected, "close").location == case
        assert texts_of_events(database, case) == [REASON]
        assert "Not sent yet" not in staff_browser.get_page(case).visible_text

    def test_form_with_files_is_shown_again_after_the_proof(
        self, staff_browser: StaffBrowser, database: Database, case: str
    ) -> None:
        data = filled(staff_browser, case, "close", **CLOSING)
        data["letter"] = (BytesIO(b"%PDF"), "letter.pdf")
        location = send(staff_browser, case, data, "close").location
        assert "Your form is not sent yet." in staff_browser.get_page(location).visible_text
        proven = prove(staff_browser, location)
        assert staff_browser.client.get(proven.location).location == case
        page = staff_browser.get_page(case)
        assert "Files are not kept: choose them again." in page.visible_text
        assert value_of(page, "close-reason") == REASON
        assert texts_of_events(database, case) == []

    def test_form_with_a_code_says_after_the_proof_that_it_was_not_sent(
        self, staff_browser: StaffBrowser, case: str
    ) -> None:
        data = {"csrf_token": staff_browser.csrf_token(case), "code": "123456"}
        referer = {"Referer": "http://localhost/auth/account"}
        sent = staff_browser.client.post("/auth/account/app/off", data=data, headers=referer)
        assert sent.location == "/auth/prove?next=/auth/account&unsent=yes"
        assert prove(staff_browser, sent.location).location == "/auth/account"
        page = staff_browser.get_page("/auth/account")
        assert "Not sent yet. Send the form again." in page.visible_text


@pytest.fixture(params=[IDLE_LIMIT, staff_sessions.LIFETIME], ids=["idle", "old"])
def note(
    staff_browser: StaffBrowser, case: str, request: pytest.FixtureRequest
) -> Iterator[dict[str, object]]:
    """A note that is typed while the session times out."""
    data = filled(staff_browser, case, "note", note=REASON)
    with time_machine.travel(clock.now() + request.param + timedelta(minutes=1)):
        yield data


class TestSessionTimedOut:
    """The session was over when the form was sent."""

    def test_form_is_shown_to_the_same_person_and_sent_once(
        self,
        staff_browser: StaffBrowser,
        officer: Actor,
        database: Database,
        case: str,
        note: dict[str, object],
    ) -> None:
        for _ in range(2):
            assert send(staff_browser, case, note, "note").location == f"/auth/login?next={case}"
        assert staff_browser.sign_in(officer.email, PASSWORD, then=case).location == case
        page = staff_browser.get_page(case)
        assert LATE in page.visible_text
        assert [area["id"] for area in page.all("textarea")] == ["note-note"]
        assert REASON in page.visible_text
        assert texts_of_events(database, case) == []
        again = filled(staff_browser, case, "note", note=REASON)
        assert again["form_token"] == note["form_token"]
        for _ in range(2):
            assert send(staff_browser, case, again, "note").location == case
        assert texts_of_events(database, case) == [REASON]
        assert "Not sent yet" not in staff_browser.get_page(case).visible_text

    def test_form_is_never_finished_by_naming_it(
        self,
        staff_browser: StaffBrowser,
        officer: Actor,
        database: Database,
        case: str,
        note: dict[str, object],
    ) -> None:
        send(staff_browser, case, note, "note")
        staff_browser.sign_in(officer.email, PASSWORD)
        kept = staff_browser.get_page(case).hidden_fields["note-discard"]["id"]
        data: dict[str, object] = {
            "csrf_token": staff_browser.csrf_token(case),
            "kept_form": kept,
        }
        send(staff_browser, case, data, "note")
        assert (
            staff_browser.client.get(f"/auth/prove?next={case}&kept_form={kept}").location == case
        )
        assert texts_of_events(database, case) == []

    def test_form_is_not_shown_to_another_person_or_in_another_browser(
        self,
        staff_browser: StaffBrowser,
        officer: Actor,
        people: People,
        app: Flask,
        case: str,
        note: dict[str, object],
    ) -> None:
        send(staff_browser, case, note, "note")
        elsewhere = StaffBrowser(app)
        elsewhere.sign_in(officer.email, PASSWORD)
        staff_browser.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD)
        for each in (elsewhere, staff_browser):
            page = each.get_page(case)
            assert "Not sent yet" not in page.visible_text
            assert REASON not in page.visible_text
        # Nor later, when its owner signs in there.
        staff_browser.submit_form("/", "sign-out")
        staff_browser.sign_in(officer.email, PASSWORD)
        assert REASON not in staff_browser.get_page(case).visible_text

    def test_form_sent_after_signing_in_again_in_another_tab_is_shown_again(
        self,
        staff_browser: StaffBrowser,
        officer: Actor,
        database: Database,
        case: str,
        note: dict[str, object],
    ) -> None:
        staff_browser.sign_in(officer.email, PASSWORD)
        response = send(staff_browser, case, note, "note")
        assert (response.status_code, response.location) == (303, case)
        assert REASON in staff_browser.get_page(case).visible_text
        assert texts_of_events(database, case) == []

    def test_form_of_the_person_before_is_outdated(
        self, staff_browser: StaffBrowser, people: People, case: str, note: dict[str, object]
    ) -> None:
        staff_browser.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD)
        assert send(staff_browser, case, note, "note").status_code == 400
        assert REASON not in staff_browser.get_page(case).visible_text


def test_late_form_waits_through_the_second_step(app: Flask, database: Database, case: str) -> None:
    member = create_member_with_app(database, Role.COMPLIANCE)
    staff_browser = StaffBrowser(app)
    staff_browser.sign_in_by_app(member)
    note = filled(staff_browser, case, "note", note=REASON)
    with time_machine.travel(clock.now() + IDLE_LIMIT + timedelta(minutes=1)):
        send(staff_browser, case, note, "note")
        staff_browser.sign_in_by_app(member)
        assert REASON in staff_browser.get_page(case).visible_text


def test_form_of_a_session_that_was_ended_is_not_kept(
    app: Flask, staff_browser: StaffBrowser, officer: Actor, database: Database, case: str
) -> None:
    note, thief = filled(staff_browser, case, "note", note=REASON), StaffBrowser(app)
    thief.client.set_cookie("pbcex", staff_browser.session_cookie())
    staff_browser.submit_form("/", "sign-out")
    with database_unchanged(database):
        assert send(thief, case, note, "note").location == f"/auth/login?next={case}"
    thief.sign_in(officer.email, PASSWORD)
    page = thief.get_page(case)
    assert "Not sent yet" not in page.visible_text
    assert REASON not in page.visible_text
