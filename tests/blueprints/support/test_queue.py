"""The queue of support, in a browser without script."""

import pytest
from flask import Flask

from app.access import Actor, Role
from app.audit.models import AuditRecord
from app.cases import queue_sources
from app.cases import service as cases
from app.cases.service import PREFIX as CASE_PREFIX
from app.helpdesk.queue.rules import PREFIX, TARGETS
from app.kit import ids
from app.kit.db import Database
from tests.page_client import Browser, check_page
from tests.people import People
from tests.rows import read_values
from tests.staff import sign_in

QUEUE, REASON = "/support/queue", "because of a test"


@pytest.fixture
def case_id(database: Database, people: People) -> str:
    """The id in the queue of a case about a customer."""
    person = people.customer()
    with database.transaction() as session:
        case_id = cases.open_case(
            session,
            kind="test.finding",
            key=str(ids.new()),
            subject=ids.encode("usr", person.user_id),
            person_id=person.user_id,
            title="A finding",
            facts={},
        )
    return ids.encode(PREFIX, case_id)


@pytest.fixture
def colleague(people: People) -> Actor:
    """Another member of support."""
    return people.staff(Role.SUPPORT)


@pytest.fixture
def support(app: Flask, people: People) -> Browser:
    """A browser in which a member of support is signed in."""
    return sign_in(app, people.staff(Role.SUPPORT))


def is_listed(browser: Browser, item_id: str, query: str = "") -> bool:
    links = [link["href"] for link in browser.get_page(f"{QUEUE}{query}").all("a")]
    return f"{QUEUE}/{item_id}" in links


def test_every_source_has_a_target() -> None:
    assert {source.name for source in queue_sources.list_sources()} == TARGETS


def test_work_is_claimed_once_and_handed_over(
    app: Flask, support: Browser, colleague: Actor, case_id: str, database: Database
) -> None:
    item, other = f"{QUEUE}/{case_id}", sign_in(app, colleague)
    assert is_listed(support, case_id, "?view=unclaimed")
    open_form = other.fill_form(item, "claim")
    assert support.submit_form(item, "claim").status_code == 303
    assert is_listed(support, case_id, "?view=mine")
    refused = other.client.post(f"{item}/claim", data=open_form)
    assert refused.status_code == 409
    assert "A colleague works on this already." in check_page(refused).visible_text
    fields = {"colleague": ids.encode("usr", colleague.user_id), "reason": REASON}
    assert support.submit_form(item, "hand-over", **fields).status_code == 303
    assert is_listed(other, case_id, "?view=mine")
    subject = ids.encode(CASE_PREFIX, ids.decode(PREFIX, case_id))
    with database.reading() as session:
        acts = read_values(session, AuditRecord.action, AuditRecord.subject == subject)
    assert [act for act in acts if act.startswith("queue.")] == [
        "queue.claimed",
        "queue.handed_over",
    ]


def test_work_sleeps_and_is_escalated_with_a_reason(support: Browser, case_id: str) -> None:
    item = f"{QUEUE}/{case_id}"
    assert support.submit_form(item, "snooze", duration="4").status_code == 303
    assert not is_listed(support, case_id)
    assert is_listed(support, case_id, "?view=snoozed")
    assert support.submit_form(item, "escalate").status_code == 422
    assert support.submit_form(item, "escalate", reason=REASON).status_code == 303
    assert is_listed(support, case_id, "?view=escalated")
    assert REASON in support.get_page(item).visible_text


def test_work_leaves_the_queue_when_it_is_decided(
    support: Browser, case_id: str, database: Database
) -> None:
    assert not support.get_page(f"{QUEUE}/{case_id}").all("form", id="end")
    with database.transaction() as session:
        identifier = ids.decode(PREFIX, case_id)
        cases.close(session, None, identifier, disposition="resolved", reason=REASON)
    support.get_page(f"{QUEUE}/{case_id}", status=404)


def test_staff_see_the_work_that_they_may_decide(app: Flask, people: People, case_id: str) -> None:
    admin, teller = sign_in(app, people.staff(Role.ADMIN)), people.staff(Role.INVENTORY)
    assert is_listed(admin, case_id, "?source=case")
    assert sign_in(app, teller).client.get(QUEUE).status_code == 403


def test_figures_are_of_all_for_administrators_and_of_oneself_for_others(
    app: Flask, support: Browser, people: People, case_id: str
) -> None:
    assert support.submit_form(f"{QUEUE}/{case_id}", "claim").status_code == 303
    own = support.get_fragment("/support/metrics", "metrics").visible_text
    assert "First responses" in own
    assert "No figures yet" not in own
    assert "Everyone" not in own
    admin = sign_in(app, people.staff(Role.ADMIN))
    assert "Everyone" in admin.get_page("/support/metrics").visible_text
