"""Background jobs on their page and on the command line: seen, and given up ones revived."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from app.access import Role
from app.identity.accounts import account_status
from app.kit import ids
from app.kit.db import Database
from app.outbox import service as outbox
from app.outbox.rules import Backoff
from tests.page_client import Browser, check
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged

ONCE = Backoff(tries_max=1)
MAIL = "messages.send_mail"
SECRET = "somebody@example.com"

SignedIn = Callable[[Role], Browser]


@pytest.fixture(autouse=True)
def empty_outbox(database: Database) -> None:
    with database.transaction() as session:
        session.send("DELETE FROM outbox")


@pytest.fixture
def signed_in(app: Flask, people: People) -> SignedIn:
    def make(role: Role) -> Browser:
        browser = Browser(app)
        browser.sign_in(people.staff(role).email, PASSWORD)
        return browser

    return make


def die(database: Database, task: str = MAIL) -> UUID:
    """A job that was given up after its last try, about somebody."""
    with database.transaction() as session:
        identifier = outbox.stage(session, task, {"user_id": SECRET})
    with database.transaction() as session:
        outbox.count_attempt(session, identifier, ONCE)
    with database.transaction() as session:
        assert outbox.record_failure(session, identifier, ValueError(SECRET), ONCE)
    return identifier


def dead(database: Database) -> set[UUID]:
    with database.reading() as session:
        return {row[0] for row in session.rows("SELECT id FROM outbox WHERE dead_at IS NOT NULL")}


def test_what_was_given_up_is_shown_and_not_whose_it_is(
    signed_in: SignedIn, database: Database
) -> None:
    browser = signed_in(Role.AUDITOR)
    die(database)
    page = browser.get("/admin/jobs")
    assert MAIL in page.said
    assert "ValueError" in page.said
    assert SECRET not in browser.client.get("/admin/jobs").text
    # Who may only look is offered nothing to send.
    assert not page.all("form", id="revive-1")
    with database.transaction() as session:
        outbox.stage(session, "ledger.roll_up", {})
    waiting = browser.get("/admin/jobs?folder=waiting&kind=ledger.roll_up")
    assert "Waiting" in waiting.said
    assert "All types, not only ledger.roll_up" in waiting.said
    browser.fragment("/admin/jobs", "jobs")
    assert browser.client.get("/admin/jobs?cursor=x").status_code == 404


def test_one_is_revived(signed_in: SignedIn, database: Database) -> None:
    browser = signed_in(Role.ADMIN)
    first, second = die(database), die(database)
    job = ids.encode("job", first)
    answer = browser.send("/admin/jobs", f"revive-{job}")
    assert (answer.status_code, answer.location) == (303, "/admin/jobs")
    assert dead(database) == {second}
    with database.reading() as session:
        found = session.row(
            "SELECT action, after FROM audit_records WHERE subject = %s ORDER BY id DESC", (job,)
        )
    assert found == ("job.revived", {"task": MAIL})
    token = browser.token()
    with database_unchanged(database):
        again = browser.client.post(f"/admin/jobs/{job}/revive", data={"csrf_token": token})
    assert again.status_code == 409
    assert "This job has not failed for good, so it cannot be retried" in check(again).said


def test_all_of_a_kind_are_revived(signed_in: SignedIn, database: Database) -> None:
    browser = signed_in(Role.ADMIN)
    other = die(database, "ledger.roll_up")
    die(database)
    die(database)
    answer = browser.send("/admin/jobs", "revive-2", kind=MAIL)
    assert answer.status_code == 303
    assert dead(database) == {other}
    token = browser.token()
    with database_unchanged(database):
        none = browser.client.post("/admin/jobs/revive", data={"csrf_token": token, "kind": MAIL})
    assert (none.status_code, dead(database)) == (409, {other})


def test_the_sidebar_counts_what_awaits_a_person(
    signed_in: SignedIn, database: Database, people: People
) -> None:
    browser, maker = signed_in(Role.ADMIN), people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        session.send(
            "UPDATE cases SET state = 'closed', closed_at = now(), disposition = 'resolved'"
            " WHERE state = 'open'"
        )
        session.send(
            "UPDATE approvals SET status = 'withdrawn', decided_at = now() WHERE status = 'pending'"
        )
    assert not browser.get("/admin/jobs").all("span", **{"class": "desk-nav-count"})
    die(database)
    with database.transaction() as session:
        account_status.request_suspension(
            session, maker, people.customer().user_id, reason="reported by the bank"
        )
    said = " ".join(browser.get("/admin/people").said.split())
    assert "Approvals 1 waiting for you" in said
    assert "Jobs 1 failed" in said


class TestCommands:
    def test_list_and_revive(self, app: Flask, database: Database) -> None:
        runner = app.test_cli_runner()
        first, second, third = (die(database) for _ in range(3))
        listed = runner.invoke(args=["jobs", "dead"])
        assert listed.exit_code == 0
        for each in (first, second, third):
            assert f"{ids.encode('job', each)}  " in listed.output
        revived = runner.invoke(args=["jobs", "revive", ids.encode("job", first)])
        assert (revived.exit_code, revived.output) == (0, "1 revived\n")
        assert dead(database) == {second, third}
        revived = runner.invoke(args=["jobs", "revive", "--kind", MAIL])
        assert (revived.exit_code, revived.output, dead(database)) == (0, "2 revived\n", set())

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [([], 2), (["job_x"], 1), (["--kind", MAIL], 1), (["job_x", "--kind", MAIL], 2)],
    )
    def test_refuse(
        self, app: Flask, database: Database, arguments: list[str], status: int
    ) -> None:
        with database_unchanged(database):
            answer = app.test_cli_runner().invoke(args=["jobs", "revive", *arguments])
        assert answer.exit_code == status
