"""The pages of the audit trail: search, one record, pages without gaps, and who may read them."""

import html
import re
from uuid import UUID

import pytest
from flask import Flask

from app.access import Actor, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.kit import clock, ids
from app.kit.db import Database
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.running_transactions import wait_for_running_transactions


@pytest.fixture
def auditor(app: Flask, people: People) -> Browser:
    """Return a browser in which an auditor is signed in."""
    browser = Browser(app)
    browser.sign_in(people.staff(Role.AUDITOR).email, PASSWORD)
    return browser


def record_suspension(
    database: Database, actor: Actor | None, subject: UUID, **more: object
) -> str:
    """Record a suspension and return the record's public id."""
    with database.transaction() as session:
        recorded = audit.record(
            session,
            actor=actor,
            action=AuditAction.PERSON_SUSPENDED,
            subject=ids.encode("usr", subject),
            before={"status": "active", "note": "same"},
            after={"status": "suspended", "note": "same"},
            **more,  # type: ignore[arg-type]
        )
    return ids.encode("aud", recorded)


def listed_record_ids(page_text: str) -> list[str]:
    """Return the ids of the records that a page lists, in its order."""
    return re.findall(r'href="/admin/audit/(aud_[0-9a-z]{26})" data-row-link', page_text)


def test_record_is_listed_and_shown_with_all_its_facts(
    auditor: Browser, people: People, database: Database
) -> None:
    admin, customer = people.staff(Role.ADMIN), people.customer()
    record = record_suspension(
        database,
        admin,
        customer.user_id,
        reason="<b>asked by the court</b>",
        on_behalf_of=customer.user_id,
        outcome=AuditOutcome.DENIED,
    )
    subject = ids.encode("usr", customer.user_id)
    listed = auditor.get_fragment(f"/admin/audit?what={subject}", "list")
    assert listed.all("a", href=f"/admin/audit/{record}")
    assert "Grace Hopper" in listed.visible_text
    page = auditor.get_page(f"/admin/audit/{record}")
    for text in (
        "Person suspended",
        "Denied",
        "Grace Hopper",
        "Administrator",
        "Ada Lovelace",
        "<b>asked by the court</b>",
        "suspended",
        "Not sealed yet",
        record,
        subject,
    ):
        assert text in page.visible_text, text
    auditor.get_fragment(f"/admin/audit/{record}", "record")
    wait_for_running_transactions(database)
    with database.transaction() as session:
        audit.seal(session)
    assert "Position" in auditor.get_page(f"/admin/audit/{record}").visible_text


def test_records_are_found_by_actor_subject_action_and_outcome(
    auditor: Browser, people: People, database: Database
) -> None:
    maker, checker, customer = people.staff(Role.ADMIN), people.staff(Role.ADMIN), people.customer()
    first = record_suspension(database, maker, customer.user_id)
    second = record_suspension(database, checker, customer.user_id, outcome=AuditOutcome.DENIED)
    third = record_suspension(database, None, customer.user_id)
    usr = ids.encode("usr", customer.user_id)

    def search(query: str) -> list[str]:
        return listed_record_ids(auditor.client.get(f"/admin/audit?{query}").text)

    assert search(f"what={usr}") == [third, second, first]
    assert search(f"what={customer.email}") == [third, second, first]
    assert search(f"who={maker.email}&what={usr}") == [first]
    assert search(f"who={ids.encode('usr', checker.user_id)}&action=person.suspended") == [second]
    assert search(f"what={usr}&outcome=denied") == [second]
    assert search(f"what={usr}&outcome=neither") == []
    assert search(f"what={usr}&action=person.reactivated") == []
    assert search(f"who={maker.email}&what={ids.encode('usr', ids.new())}") == []
    today = f"{clock.now():%Y-%m-%d}"
    assert search(f"what={usr}&from={today}&to=2999-12-31") == [third, second, first]
    assert search(f"what={usr}&from=2999-12-31") == []
    assert search(f"what={usr}&to=2025-12-31") == []


def test_records_about_a_person_include_what_is_theirs_and_words_of_the_reason_find_them(
    auditor: Browser, people: People, database: Database
) -> None:
    customer, other = people.customer().user_id, people.customer().user_id
    withdrawal = ids.encode("wdr", ids.new())
    with database.transaction() as session:
        recorded = audit.record(
            session,
            actor=None,
            action=AuditAction.WITHDRAWAL_REJECTED,
            subject=withdrawal,
            on_behalf_of=customer,
            reason=f"The account {withdrawal} belongs to another person",
        )
    record = ids.encode("aud", recorded)

    def search(query: str) -> list[str]:
        return listed_record_ids(auditor.client.get(f"/admin/audit?{query}").text)

    assert search(f"what={ids.encode('usr', customer)}") == [record]
    assert search(f"what={ids.encode('usr', other)}") == []
    assert search(f"what={withdrawal}&reason=another+person") == [record]
    assert search(f"what={withdrawal}&reason=another+company") == []


def test_pages_of_records_have_no_gaps(
    auditor: Browser, people: People, database: Database
) -> None:
    customer = people.customer().user_id
    expected = [record_suspension(database, None, customer) for _ in range(30)]
    path, seen = f"/admin/audit?what={ids.encode('usr', customer)}", []
    while path:
        page = auditor.client.get(path).text
        seen += listed_record_ids(page)
        older = re.search(r'href="([^"]+cursor=[^"]+)" rel="next"', page)
        path = html.unescape(older[1]) if older else ""
    assert seen == expected[::-1]


@pytest.mark.parametrize("who", ["unknown@example.com", "not an id", "usr_short", "@"])
def test_unknown_actor_is_a_problem_of_the_form(auditor: Browser, who: str) -> None:
    page = auditor.get_page(f"/admin/audit?who={who}")
    assert "No person has this email or ID." in page.visible_text
    assert listed_record_ids(page.visible_text) == []


@pytest.mark.parametrize(
    "path", ["aud_00000000000000000000000000", "aud_x", "usr_x", "%00", "?cursor=x"]
)
def test_unknown_record_or_cursor_is_not_found(auditor: Browser, path: str) -> None:
    auditor.get_page(f"/admin/audit{path if path[0] == '?' else f'/{path}'}", status=404)


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TELLER, Role.INVENTORY])
def test_trail_is_refused_to_other_roles_and_the_refusal_recorded(
    app: Flask, people: People, auditor: Browser, role: Role
) -> None:
    person, browser = people.staff(role), Browser(app)
    browser.sign_in(person.email, PASSWORD)
    for path in ("/admin/audit", f"/admin/audit/{ids.encode('aud', ids.new())}"):
        assert "all:audit:read" in browser.get_page(path, status=403).visible_text
    listed = auditor.client.get(f"/admin/audit?who={person.email}&outcome=denied").text
    assert len(listed_record_ids(listed)) == 2
    assert "GET /admin/audit" in listed
