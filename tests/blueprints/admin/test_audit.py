"""The audit trail's pages: what they show, to whom, and that they follow without gap."""

import re
from uuid import UUID

import pytest
from flask import Flask

from app.access import Actor, Role
from app.audit import queries as audit_queries
from app.audit import service as audit
from app.kit import ids
from app.kit.db import Database
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.settled import settle


@pytest.fixture
def auditor(app: Flask, people: People) -> Browser:
    """A browser in which an auditor is signed in."""
    browser = Browser(app)
    browser.sign_in(people.staff(Role.AUDITOR).email, PASSWORD)
    return browser


def suspend(database: Database, actor: Actor | None, subject: UUID, **more: object) -> str:
    """Record a suspension; answers the record's public id."""
    with database.transaction() as session:
        recorded = audit.record(
            session,
            actor=actor,
            action="person.suspended",
            subject=ids.encode("usr", subject),
            before={"status": "active", "note": "same"},
            after={"status": "suspended", "note": "same"},
            **more,  # type: ignore[arg-type]
        )
    return ids.encode("aud", recorded)


def linked(page_text: str) -> list[str]:
    """The records that a page lists, in its order."""
    return re.findall(r'href="/admin/audit/(aud_[0-9a-z]{26})"', page_text)


def test_a_record_is_listed_and_shown_whole(
    auditor: Browser, people: People, database: Database
) -> None:
    admin, customer = people.staff(Role.ADMIN), people.customer()
    record = suspend(
        database,
        admin,
        customer.user_id,
        reason="<b>asked by the court</b>",
        on_behalf_of=customer.user_id,
        outcome="denied",
    )
    subject = ids.encode("usr", customer.user_id)
    listed = auditor.fragment(f"/admin/audit?what={subject}", "audit")
    assert {"href": f"/admin/audit/{record}"} in listed.all("a")
    assert "Grace Hopper" in listed.said
    page = auditor.get(f"/admin/audit/{record}")
    for said in (
        "person.suspended",
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
        assert said in page.said, said
    auditor.fragment(f"/admin/audit/{record}", "record")
    settle(database)
    with database.transaction() as session:
        audit.seal(session)
    assert "Position" in auditor.get(f"/admin/audit/{record}").said


def test_it_is_searched_by_who_what_action_and_outcome(
    auditor: Browser, people: People, database: Database
) -> None:
    one, other, customer = people.staff(Role.ADMIN), people.staff(Role.ADMIN), people.customer()
    first = suspend(database, one, customer.user_id)
    second = suspend(database, other, customer.user_id, outcome="denied")
    third = suspend(database, None, customer.user_id)
    usr = ids.encode("usr", customer.user_id)

    def found(query: str) -> list[str]:
        return linked(auditor.client.get(f"/admin/audit?{query}").text)

    assert found(f"what={usr}") == [third, second, first]
    assert found(f"what={customer.email}") == [third, second, first]
    assert found(f"who={one.email}&what={usr}") == [first]
    assert found(f"who={ids.encode('usr', other.user_id)}&action=person.suspended") == [second]
    assert found(f"what={usr}&outcome=denied") == [second]
    assert found(f"what={usr}&outcome=neither") == [third, second, first]
    assert found(f"what={usr}&action=person.reactivated") == []
    assert found(f"who={one.email}&what={ids.encode('usr', ids.new())}") == []


def test_pages_follow_each_other_without_gap(
    auditor: Browser, people: People, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_queries, "PAGE", 3)
    customer = people.customer().user_id
    made = [suspend(database, None, customer) for _ in range(7)]
    path, seen = f"/admin/audit?what={ids.encode('usr', customer)}", []
    while path:
        page = auditor.client.get(path).text
        seen += linked(page)
        older = re.search(r'href="([^"]+cursor=[^"]+)">Older', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == made[::-1]


@pytest.mark.parametrize("who", ["nobody@example.com", "not an id", "usr_short", "@"])
def test_an_unknown_person_is_a_mistake_in_the_form(auditor: Browser, who: str) -> None:
    page = auditor.get(f"/admin/audit?who={who}")
    assert "No person has this email or ID." in page.said
    assert linked(page.said) == []


@pytest.mark.parametrize(
    "path", ["aud_00000000000000000000000000", "aud_x", "usr_x", "%00", "?cursor=x"]
)
def test_what_is_not_there_is_not_found(auditor: Browser, path: str) -> None:
    auditor.get(f"/admin/audit{path if path[0] == '?' else f'/{path}'}", status=404)


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TELLER, Role.INVENTORY, Role.COMPLIANCE])
def test_others_may_not_read_it_and_that_is_recorded(
    app: Flask, people: People, auditor: Browser, role: Role
) -> None:
    person, browser = people.staff(role), Browser(app)
    browser.sign_in(person.email, PASSWORD)
    for path in ("/admin/audit", f"/admin/audit/{ids.encode('aud', ids.new())}"):
        assert "all:audit:read" in browser.get(path, status=403).said
    listed = auditor.client.get(f"/admin/audit?who={person.email}&outcome=denied").text
    assert len(linked(listed)) == 2
    assert "GET /admin/audit" in listed
