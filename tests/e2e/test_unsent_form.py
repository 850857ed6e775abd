"""A form that was not sent, in a browser: shown again with what was typed, and sent once."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from app.access import Actor
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.kit import ids
from app.kit.db import Database
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, Shoot, assert_fits_and_accessible
from tests.people import PASSWORD

REASON = "The bank corrected it"


@pytest.fixture
def case(database: Database) -> str:
    """The path of an open case."""
    with database.transaction() as session:
        case_id = cases.open_case(
            session,
            kind="test.difference",
            key=str(ids.new()),
            title="The ledger and the bank differ",
            facts={"ledger": "10.00"},
            subject="bank",
        )
    return f"/admin/cases/{ids.encode('cas', case_id)}"


def age_session(database: Database, officer: Actor, *, proof: int = 0, idle: int = 0) -> None:
    """Make the last proof of identity, and the last activity, older by these minutes."""
    with database.transaction() as session:
        session.send(
            "UPDATE login_sessions SET proven_at = proven_at - make_interval(mins => %s),"
            " seen_at = seen_at - make_interval(mins => %s) WHERE user_id = %s",
            (proof, idle, officer.user_id),
        )


def close_case(page: Page) -> None:
    page.locator("#close").get_by_role("button", name="Close case").click()
    page.locator("#close-confirm").get_by_role("button", name="Close case").click()


def texts_of_events(database: Database, case: str) -> list[str]:
    with database.reading() as session:
        events = cases_queries.events(session, ids.decode("cas", case.rpartition("/")[2]))
    return [event.text for event in events if event.text]


def test_form_is_shown_again_after_cancel_and_back(
    open_desk: OpenDesk, officer: Actor, database: Database, case: str, shoot: Shoot
) -> None:
    desk = open_desk()
    page = desk.sign_in(officer.email, PASSWORD, case)
    page.locator("#close-disposition").select_option("no_action")
    page.locator("#close-reason").fill(REASON)
    age_session(database, officer, proof=11)
    close_case(page)
    page.get_by_role("link", name="Back to the form, without sending it").click()
    expect(page.locator("#close-reason")).to_have_value(REASON)
    expect(page.locator("#close-disposition")).to_have_value("no_action")
    expect(page.locator(".not-sent")).to_contain_text("Not sent yet.")
    assert_fits_and_accessible(page, shoot, "not-sent", ALL)
    page.locator("#close-reason").fill(f"{REASON} today")
    close_case(page)
    page.wait_for_url("**/auth/prove?**")
    page.go_back()
    expect(page.locator("#close-reason")).to_have_value(f"{REASON} today")
    close_case(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").dblclick()
    expect(page.locator("#case")).to_contain_text("closed it: No action needed")
    expect(page.locator(".not-sent")).to_have_count(0)
    assert texts_of_events(database, case) == [f"{REASON} today"]
    desk.check(page)


def test_session_ends_while_two_tabs_hold_typed_forms(
    open_desk: OpenDesk, officer: Actor, database: Database, case: str
) -> None:
    """The first tab leads through sign-in; the second still has the form of the old session."""
    desk = open_desk()
    first = desk.sign_in(officer.email, PASSWORD, case)
    second = desk.context.new_page()
    second.goto(first.url)
    first.locator("#note-note").fill(REASON)
    second.locator("#note-note").fill("The ledger, too")
    age_session(database, officer, idle=31)
    first.get_by_role("button", name="Add note").dblclick()
    first.get_by_label("Email address").fill(officer.email)
    first.get_by_label("Password").fill(PASSWORD)
    first.get_by_role("button", name="Sign in", exact=True).click()
    for page, text in ((first, REASON), (second, "The ledger, too")):
        if page is second:
            page.get_by_role("button", name="Add note").click()
        expect(page.locator("#note-note")).to_have_value(text)
        expect(page.locator(".flash")).to_contain_text("Not sent yet")
        assert urlsplit(page.url).path == case
        page.get_by_role("button", name="Add note").dblclick()
        expect(page.locator(".history-text").last).to_have_text(text)
        expect(page.locator(".not-sent")).to_have_count(0)
    assert texts_of_events(database, case) == [REASON, "The ledger, too"]
    desk.check(first)
