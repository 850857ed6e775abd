"""Background jobs on their page and on the command line: listing them, and retrying failed ones."""

import re
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from app.access import Role
from app.approvals.models import Approval
from app.cases.models import Case
from app.identity.accounts import account_status
from app.kit import ids
from app.kit.db import Database
from app.outbox import service as outbox
from app.outbox.models import StagedJob
from app.outbox.rules import Backoff
from tests.blueprints.admin.conftest import SignInAs
from tests.page_client import Browser, check_page
from tests.people import People
from tests.rows import change_rows, delete_rows
from tests.unchanged_database import database_unchanged

ONE_TRY = Backoff(tries_max=1)
MAIL = "messages.send_mail"
SECRET = "ada.secret@example.com"
LIST, BULK = "/admin/jobs", "/admin/jobs/bulk"


@pytest.fixture(autouse=True)
def empty_outbox(database: Database) -> None:
    with database.transaction() as session:
        delete_rows(session, StagedJob)


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
    assert not page.all("form", id="retry-type-1")
    assert not page.all("form", id="bulk")
    with database.transaction() as session:
        outbox.stage(session, "ledger.roll_up", {})
    waiting = browser.get_page("/admin/jobs?folder=waiting&kind=ledger.roll_up")
    assert "Waiting" in waiting.visible_text
    assert "Remove filter Type: ledger.roll_up" in " ".join(waiting.visible_text.split())
    browser.get_fragment("/admin/jobs", "jobs")
    assert browser.client.get("/admin/jobs?cursor=x").status_code == 404


def select(browser: Browser, *jobs: UUID, path: str = LIST) -> dict[str, object]:
    """Return the fields of the form that retries these rows of the page."""
    fields = browser.get_page(path).hidden_fields["bulk"]
    return {**fields, "act": "retry", "ids": [ids.encode("job", job) for job in jobs]}


def count_audit_records(database: Database, action: str, job: UUID) -> int:
    with database.reading() as session:
        statement = "SELECT count(*) FROM audit_records WHERE action = %s AND subject = %s"
        [(found,)] = session.rows(statement, (action, ids.encode("job", job)))
    return int(found)


def test_selected_jobs_are_retried_and_the_search_is_kept(
    sign_in_as: SignInAs, database: Database
) -> None:
    browser = sign_in_as(Role.ADMIN)
    first, second, third = (stage_failed_job(database) for _ in range(3))
    search = f"{LIST}?folder=dead&kind={MAIL}&sort=-staged"
    data = select(browser, first, second, path=search)
    [form] = browser.get_page(search).all("form", id="bulk")
    response = browser.client.post(form["action"], data=data)
    assert response.status_code == 303
    assert failed_job_ids(database) == {third}
    page = browser.get_page(response.location)
    assert "2 jobs will be retried." in page.visible_text
    assert [field["value"] for field in page.all("input", id="find-kind")] == [MAIL]
    assert count_audit_records(database, "job.revived", first) == 1


def test_refused_row_is_listed_and_the_others_are_done_once(
    sign_in_as: SignInAs, database: Database
) -> None:
    browser = sign_in_as(Role.ADMIN)
    first, gone, last = (stage_failed_job(database) for _ in range(3))
    data = select(browser, first, gone, last)
    with database.transaction() as session:
        outbox.revive_job(session, None, gone)
    for _ in range(2):
        response = browser.client.post(BULK, data=data)
        assert response.status_code == 409
        text = " ".join(check_page(response).visible_text.split())
        assert "2 of 3 done. The others were not changed." in text
        assert f"{ids.encode('job', gone)} This job has not failed for good" in text
        assert failed_job_ids(database) == set()
    assert count_audit_records(database, "job.revived", first) == 1
    assert count_audit_records(database, "job.revived", last) == 1
    assert count_audit_records(database, "request.refused", gone) == 1


def test_rows_are_not_retried_again_by_a_form_that_was_sent(
    sign_in_as: SignInAs, database: Database
) -> None:
    browser = sign_in_as(Role.ADMIN)
    job, other = stage_failed_job(database), stage_failed_job(database)
    data = select(browser, job)
    assert browser.client.post(BULK, data=data).status_code == 303
    with database.transaction() as session:
        outbox.count_attempt(session, job, ONE_TRY)
    with database.transaction() as session:
        outbox.record_failure(session, job, ValueError(SECRET), ONE_TRY)
    with database_unchanged(database):
        assert browser.client.post(BULK, data=data).status_code == 303
    assert failed_job_ids(database) == {job, other}
    refused = browser.client.post(BULK, data={**data, "ids": [ids.encode("job", other)]})
    assert refused.status_code == 409
    assert "was sent before, with other values" in check_page(refused).visible_text
    assert failed_job_ids(database) == {job, other}


@pytest.mark.parametrize("count", [0, 101])
def test_too_few_or_too_many_rows_are_refused(
    sign_in_as: SignInAs, database: Database, count: int
) -> None:
    browser = sign_in_as(Role.ADMIN)
    stage_failed_job(database)
    data = select(browser, *(ids.new() for _ in range(count)))
    with database_unchanged(database):
        response = browser.client.post(BULK, data=data)
    assert response.status_code == 422
    assert "Select between 1 and 100 rows." in check_page(response).visible_text
    # The address of the page that is shown again can be reloaded.
    assert browser.client.get(f"{BULK}?kind={MAIL}").location == f"{LIST}?kind={MAIL}"


def test_all_failed_jobs_of_one_type_are_retried(sign_in_as: SignInAs, database: Database) -> None:
    browser = sign_in_as(Role.ADMIN)
    other = stage_failed_job(database, "ledger.roll_up")
    stage_failed_job(database)
    stage_failed_job(database)
    response = browser.submit_form(LIST, "retry-type-2")
    assert (response.status_code, response.location) == (303, LIST)
    assert failed_job_ids(database) == {other}
    page = browser.get_page(LIST)
    assert "2 jobs will be retried." in page.visible_text
    data = {**page.hidden_fields["retry-type-1"], "kind": MAIL}
    none = browser.client.post("/admin/jobs/revive", data=data)
    assert (none.status_code, failed_job_ids(database)) == (409, {other})
    assert "There is no failed job of this kind." in check_page(none).visible_text


def test_sidebar_counts_pending_approvals_and_failed_jobs(
    sign_in_as: SignInAs, database: Database, people: People
) -> None:
    browser, maker = sign_in_as(Role.ADMIN), people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        change_rows(
            session,
            Case,
            Case.state == "open",
            state="closed",
            closed_at=sa.func.now(),
            disposition="resolved",
        )
        change_rows(
            session,
            Approval,
            Approval.status == "pending",
            status="withdrawn",
            decided_at=sa.func.now(),
        )
    # Other tests leave payments that wait, which have a count too.
    said = " ".join(browser.get_page("/admin/people").visible_text.split())
    assert "waiting for you" not in said
    assert re.search(r"Jobs \d+ failed", said) is None
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
        assert (revived.exit_code, revived.output) == (0, "1 job will be retried\n")
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
