"""Background jobs on their page and on the command line: listing them, and retrying failed ones."""

from uuid import UUID

import pytest
from flask import Flask

from app.access import Role
from app.identity.accounts import account_status
from app.kit import ids
from app.kit.db import Database
from app.outbox import service as outbox
from app.outbox.rules import Backoff
from tests.blueprints.admin.conftest import SignInAs
from tests.page_client import check_page
from tests.people import People
from tests.unchanged_database import database_unchanged

ONE_TRY = Backoff(tries_max=1)
MAIL = "messages.send_mail"
SECRET = "ada.secret@example.com"


@pytest.fixture(autouse=True)
def empty_outbox(database: Database) -> None:
    with database.transaction() as session:
        session.send("DELETE FROM outbox")


def stage_failed_job(database: Database, task: str = MAIL) -> UUID:
    """Stage a job with personal data whose only try fails, and return its id."""
    with database.transaction() as session:
        identifier = outbox.stage(session, task, {"user_id": SECRET})
    with database.transaction() as session:
        outbox.count_attempt(session, identifier, ONE_TRY)
    with database.transaction() as session:
        assert outbox.record_failure(session, identifier, ValueError(SECRET), ONE_TRY)
    return identifier


def failed_job_ids(database: Database) -> set[UUID]:
    with database.reading() as session:
        return {row[0] for row in session.rows("SELECT id FROM outbox WHERE dead_at IS NOT NULL")}


def test_failed_job_is_shown_without_personal_data(
    sign_in_as: SignInAs, database: Database
) -> None:
    browser = sign_in_as(Role.AUDITOR)
    stage_failed_job(database)
    page = browser.get_page("/admin/jobs")
    assert MAIL in page.visible_text
    assert "ValueError" in page.visible_text
    assert SECRET not in browser.client.get("/admin/jobs").text
    # An auditor may only read, so there is no form.
    assert not page.all("form", id="revive-1")
    with database.transaction() as session:
        outbox.stage(session, "ledger.roll_up", {})
    waiting = browser.get_page("/admin/jobs?folder=waiting&kind=ledger.roll_up")
    assert "Waiting" in waiting.visible_text
    assert "All types, not only ledger.roll_up" in waiting.visible_text
    browser.get_fragment("/admin/jobs", "jobs")
    assert browser.client.get("/admin/jobs?cursor=x").status_code == 404


def test_one_failed_job_is_retried_once(sign_in_as: SignInAs, database: Database) -> None:
    browser = sign_in_as(Role.ADMIN)
    first, second = stage_failed_job(database), stage_failed_job(database)
    job = ids.encode("job", first)
    response = browser.submit_form("/admin/jobs", f"revive-{job}")
    assert (response.status_code, response.location) == (303, "/admin/jobs")
    assert failed_job_ids(database) == {second}
    with database.reading() as session:
        found = session.row(
            "SELECT action, after FROM audit_records WHERE subject = %s ORDER BY id DESC", (job,)
        )
    assert found == ("job.revived", {"task": MAIL})
    token = browser.csrf_token()
    with database_unchanged(database):
        again = browser.client.post(f"/admin/jobs/{job}/revive", data={"csrf_token": token})
    assert again.status_code == 409
    assert (
        "This job has not failed for good, so it cannot be retried"
        in check_page(again).visible_text
    )


def test_all_failed_jobs_of_one_type_are_retried(sign_in_as: SignInAs, database: Database) -> None:
    browser = sign_in_as(Role.ADMIN)
    other = stage_failed_job(database, "ledger.roll_up")
    stage_failed_job(database)
    stage_failed_job(database)
    response = browser.submit_form("/admin/jobs", "revive-2", kind=MAIL)
    assert response.status_code == 303
    assert failed_job_ids(database) == {other}
    token = browser.csrf_token()
    with database_unchanged(database):
        none = browser.client.post("/admin/jobs/revive", data={"csrf_token": token, "kind": MAIL})
    assert (none.status_code, failed_job_ids(database)) == (409, {other})


def test_sidebar_counts_pending_approvals_and_failed_jobs(
    sign_in_as: SignInAs, database: Database, people: People
) -> None:
    browser, maker = sign_in_as(Role.ADMIN), people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        session.send(
            "UPDATE cases SET state = 'closed', closed_at = now(), disposition = 'resolved'"
            " WHERE state = 'open'"
        )
        session.send(
            "UPDATE approvals SET status = 'withdrawn', decided_at = now() WHERE status = 'pending'"
        )
    assert not browser.get_page("/admin/jobs").all("span", **{"class": "desk-nav-count"})
    stage_failed_job(database)
    with database.transaction() as session:
        account_status.request_suspension(
            session, maker, people.customer().user_id, reason="reported by the bank"
        )
    said = " ".join(browser.get_page("/admin/people").visible_text.split())
    assert "Approvals 1 waiting for you" in said
    assert "Jobs 1 failed" in said


class TestCommands:
    def test_failed_jobs_are_listed_and_revived_by_id_and_by_type(
        self, app: Flask, database: Database
    ) -> None:
        runner = app.test_cli_runner()
        first, second, third = (stage_failed_job(database) for _ in range(3))
        listed = runner.invoke(args=["jobs", "dead"])
        assert listed.exit_code == 0
        for each in (first, second, third):
            assert f"{ids.encode('job', each)}  " in listed.output
        revived = runner.invoke(args=["jobs", "revive", ids.encode("job", first)])
        assert (revived.exit_code, revived.output) == (0, "1 jobs will be retried\n")
        assert failed_job_ids(database) == {second, third}
        revived = runner.invoke(args=["jobs", "revive", "--kind", MAIL])
        assert (revived.exit_code, revived.output, failed_job_ids(database)) == (
            0,
            "2 jobs will be retried\n",
            set(),
        )

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [([], 2), (["job_x"], 1), (["--kind", MAIL], 1), (["job_x", "--kind", MAIL], 2)],
    )
    def test_invalid_arguments_are_refused_and_change_nothing(
        self, app: Flask, database: Database, arguments: list[str], status: int
    ) -> None:
        with database_unchanged(database):
            response = app.test_cli_runner().invoke(args=["jobs", "revive", *arguments])
        assert response.exit_code == status
