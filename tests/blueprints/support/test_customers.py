"""The pages of a customer, in a browser without script."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Actor, Role
from app.audit.models import AuditRecord
from app.blueprints import customer_tabs
from app.cases import service as cases
from app.helpdesk.customers.rules import TimelineKind
from app.identity.credentials import security_mail
from app.identity.models import OneTimeToken, User
from app.identity.sign_in import service as sign_ins
from app.kit import ids
from app.kit.db import Database
from app.outbox.models import StagedJob
from tests.page_client import Browser, Page, check_page
from tests.people import People
from tests.recorded_trips import record_trips
from tests.rows import change_rows, read_values
from tests.second_person import approve
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


def submit(browser: Browser, path: str, form: str, **fields: str) -> TestResponse:
    response = browser.submit_form(path, form, **fields)
    assert response.status_code == 303, check_page(response).visible_text
    return response


def acts_on(database: Database, person: Actor) -> list[str]:
    with database.reading() as session:
        return read_values(session, AuditRecord.action, AuditRecord.on_behalf_of == person.user_id)


def test_support_sends_links_and_ends_sessions_of_a_customer(
    app: Flask, people: People, database: Database
) -> None:
    support, person = sign_in(app, people.staff(Role.SUPPORT)), people.customer()
    with database.transaction() as session:
        change_rows(session, User, User.id == person.user_id, email_confirmed_at=None)
        sign_ins.open_session(session, person.user_id)
    for form in ("password-link", "confirmation", "end-sessions"):
        submit(support, path_of(person, "/security"), form)
    assert acts_on(database, person) == [
        "password.link_sent",
        "confirmation.sent",
        "sessions.ended",
    ]
    page = support.get_page(path_of(person, "/security"))
    assert "Not signed in" in page.visible_text
    with database.transaction() as session:
        purposes = read_values(
            session, OneTimeToken.purpose, OneTimeToken.user_id == person.user_id
        )
    assert sorted(purposes) == ["confirm_email", "reset_password"]


def test_links_to_a_customer_are_refused_after_several_within_an_hour(
    app: Flask, people: People
) -> None:
    support, person = sign_in(app, people.staff(Role.SUPPORT)), people.customer()
    for _ in range(security_mail.LINKS_PER_HOUR_MAX):
        submit(support, path_of(person, "/security"), "password-link")
    refused = support.submit_form(path_of(person, "/security"), "password-link")
    assert refused.status_code == 429
    assert "Several links were sent within the last hour." in check_page(refused).visible_text


def test_note_reaches_the_colleague_who_is_mentioned(
    app: Flask, people: People, database: Database
) -> None:
    support, colleague, person = (
        sign_in(app, people.staff(Role.SUPPORT)),
        people.staff(Role.SUPPORT),
        people.customer(),
    )
    path, mentioned = path_of(person, "/notes"), ids.encode("usr", colleague.user_id)
    submit(support, path, "note", note="Calls again\non Monday.", mentioned=mentioned)
    page = support.get_page(path)
    assert "Calls again\non Monday." in page.visible_text
    with database.reading() as session:
        staged = read_values(session, StagedJob.args, StagedJob.task == "messages.send_mail")
    [email] = [args for args in staged if args["user_id"] == str(colleague.user_id)]
    assert email["kind"] == "mentioned_in_note"
    refused = support.submit_form(
        path, "note", note="Hello", mentioned=ids.encode("usr", person.user_id)
    )
    assert "Choose a colleague from the list." in check_page(refused).visible_text


def test_credits_of_one_person_that_reach_the_limit_take_two_people(
    app: Flask, people: People, database: Database
) -> None:
    support, person = sign_in(app, people.staff(Role.SUPPORT)), people.customer()
    path = path_of(person, "/money")
    given = {"reason": "the parcel came late"}
    submit(support, path, "credit", amount="60", **given)
    asked = submit(support, path, "credit", amount="40.00", **given)
    assert people.balances(person)["USD"] == "60.00"
    approval_id = ids.decode("apr", asked.location.rpartition("/")[2])
    approve(database, people.staff(Role.ADMIN), approval_id)
    assert people.balances(person)["USD"] == "100.00"
    assert acts_on(database, person).count("goodwill.credited") == 2
    for amount in ("0", "1000.01", "1.001", "much"):
        refused = support.submit_form(path, "credit", amount=amount, **given)
        assert refused.status_code == 422
