"""Approvals: decided by a second person, in time, for exactly the request that was shown."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import (
    ApprovalChanged,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalOutdated,
    ApprovalPending,
    SelfApproval,
)
from app.approvals.models import Approval
from app.approvals.queries import RequestField
from app.approvals.rules import LIFETIME, ApprovalStatus
from app.identity.accounts import account_status
from app.identity.accounts import people as persons
from app.identity.roles.independence import record_sponsorship
from app.identity.roles.rules import SponsorshipKind
from app.kit import ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.kit.list_query import fetch_all, fetch_by_ids
from app.outbox.models import StagedJob
from tests.mailbox import run_pending_jobs, use_mailbox
from tests.people import People
from tests.rows import change_rows, delete_rows
from tests.unchanged_database import database_unchanged

REASON = "reported by the bank"
NOW = datetime(2034, 5, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def maker(people: People) -> Actor:
    return people.staff(Role.COMPLIANCE)


@pytest.fixture
def checker(people: People) -> Actor:
    return people.staff(Role.ADMIN)


@pytest.fixture
def subject(people: People) -> Actor:
    # One more administrator, so that no test suspends the last one.
    people.staff(Role.ADMIN)
    return people.customer()


@pytest.fixture
def pending_id(database: Database, maker: Actor, subject: Actor) -> UUID:
    """A pending request to suspend the subject."""
    return request_suspension(database, maker, subject)


def request_suspension(database: Database, maker: Actor, subject: Actor) -> UUID:
    with database.transaction() as session:
        return account_status.request_suspension(session, maker, subject.user_id, reason=REASON)


def read_hash(database: Database, approval_id: UUID) -> bytes:
    with database.reading() as session:
        return approvals_queries.get_approval(session, approval_id).hash


def approve(database: Database, checker: Actor, approval_id: UUID) -> None:
    seen_hash = read_hash(database, approval_id)
    with database.transaction() as session:
        approvals.approve(session, checker, approval_id, seen_hash=seen_hash)


def status_of(database: Database, approval_id: UUID) -> ApprovalStatus:
    with database.reading() as session:
        return approvals_queries.get_approval(session, approval_id).status


def person_status(database: Database, person: Actor) -> str:
    with database.reading() as session:
        return persons.get_account(session, person.user_id).status


def set_columns(database: Database, person: Actor, **values: str) -> None:
    with database.transaction() as session:
        for name, value in values.items():
            session.send(f"UPDATE users SET {name} = %s WHERE id = %s", (value, person.user_id))


def test_approved_request_is_executed(
    database: Database, maker: Actor, checker: Actor, subject: Actor, pending_id: UUID
) -> None:
    assert person_status(database, subject) == "active"
    approve(database, checker, pending_id)
    assert person_status(database, subject) == "suspended"
    with database.reading() as session:
        request = approvals_queries.get_approval(session, pending_id)
        events = session.rows(
            "SELECT from_status, to_status, actor_id FROM approval_events"
            " WHERE approval_id = %s ORDER BY id",
            (pending_id,),
        )
        trail = session.rows(
            "SELECT action, actor_id, reason FROM audit_records"
            " WHERE subject IN (%s, %s) ORDER BY id",
            (ids.encode("apr", pending_id), ids.encode("usr", subject.user_id)),
        )
    assert (request.status, request.checker_id) == (ApprovalStatus.APPROVED, checker.user_id)
    assert events == [
        (None, "pending", maker.user_id),
        ("pending", "approved", checker.user_id),
    ]
    assert trail == [
        ("approval.asked", maker.user_id, REASON),
        ("approval.approved", checker.user_id, None),
        ("person.suspended", checker.user_id, REASON),
    ]


def test_maker_cannot_approve_their_own_request(
    database: Database, people: People, subject: Actor
) -> None:
    admin = people.staff(Role.ADMIN)
    request_id = request_suspension(database, admin, subject)
    with database_unchanged(database), pytest.raises(SelfApproval):
        approve(database, admin, request_id)
    with (
        database_unchanged(database),
        pytest.raises(SelfApproval),
        database.transaction() as session,
    ):
        approvals.reject(session, admin, request_id, reason=REASON)


def test_database_refuses_self_approval(database: Database, maker: Actor, pending_id: UUID) -> None:
    with (
        database_unchanged(database),
        pytest.raises(SelfApproval),
        database.transaction() as session,
    ):
        change_rows(
            session,
            Approval,
            Approval.id == pending_id,
            status="approved",
            checker_id=maker.user_id,
            decided_at=sa.func.now(),
        )


def test_subject_cannot_approve_a_request_about_them(
    database: Database, people: People, maker: Actor, checker: Actor
) -> None:
    people.staff(Role.ADMIN)
    request_id = request_suspension(database, maker, checker)
    with database_unchanged(database), pytest.raises(SelfApproval):
        approve(database, checker, request_id)


def test_request_is_approved_once(
    database: Database, people: People, checker: Actor, pending_id: UUID
) -> None:
    approve(database, checker, pending_id)
    other = people.staff(Role.ADMIN)
    for approver in (checker, other):
        with database_unchanged(database), pytest.raises(ApprovalDecided):
            approve(database, approver, pending_id)


def test_rejected_request_cannot_be_approved(
    database: Database, people: People, checker: Actor, subject: Actor, pending_id: UUID
) -> None:
    with database.transaction() as session:
        approvals.reject(session, checker, pending_id, reason="not enough evidence")
    assert status_of(database, pending_id) is ApprovalStatus.REJECTED
    other = people.staff(Role.ADMIN)
    with database_unchanged(database), pytest.raises(ApprovalDecided):
        approve(database, other, pending_id)
    assert person_status(database, subject) == "active"


def test_only_the_maker_withdraws_a_request(
    database: Database, maker: Actor, checker: Actor, pending_id: UUID
) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        approvals.withdraw(session, checker, pending_id)
    with database.transaction() as session:
        approvals.withdraw(session, maker, pending_id)
    with database_unchanged(database), pytest.raises(ApprovalDecided):
        approve(database, checker, pending_id)


def test_edited_request_ends_and_is_replaced_by_a_new_one(
    database: Database, maker: Actor, checker: Actor, subject: Actor, pending_id: UUID
) -> None:
    other_shown = b"\x00" * 32
    with database.transaction() as session:
        new = approvals.replace_request(session, maker, pending_id, reason="reported by two banks")
    assert status_of(database, pending_id) is ApprovalStatus.SUPERSEDED
    with database_unchanged(database), pytest.raises(ApprovalDecided):
        approve(database, checker, pending_id)
    with (
        database_unchanged(database),
        pytest.raises(ApprovalChanged),
        database.transaction() as session,
    ):
        approvals.approve(session, checker, new, seen_hash=other_shown)
    approve(database, checker, new)
    assert person_status(database, subject) == "suspended"


def test_only_the_maker_edits_a_request(
    database: Database, checker: Actor, pending_id: UUID
) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        approvals.replace_request(session, checker, pending_id, reason=REASON)


def test_tampered_request_is_not_approved(
    app: Flask, database: Database, checker: Actor, people: People, pending_id: UUID
) -> None:
    """The owner rewrites the row: the application's role has no privilege to."""
    victim = ids.encode("usr", people.customer().user_id)
    owner_url = app.extensions["settings"].database_owner_url.replace("+psycopg", "")
    with psycopg.connect(owner_url) as owner:
        owner.execute(
            "UPDATE approvals SET payload = jsonb_build_object('person', %s::text) WHERE id = %s",
            (victim, pending_id),
        )
    with database_unchanged(database), pytest.raises(ApprovalChanged):
        approve(database, checker, pending_id)
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        database.transaction() as session,
    ):
        change_rows(session, Approval, Approval.id == pending_id, payload="{}")


def find_in_folder(session: Session, *, is_waiting: bool) -> set[UUID]:
    source = approvals_queries.approval_requests()
    found = fetch_all(session, source, {"folder": is_waiting}, "-requested")
    return {request.id for request in found}


def test_expired_request_ends_and_can_be_requested_again(
    database: Database, people: People, subject: Actor
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        maker, checker = people.staff(Role.COMPLIANCE), people.staff(Role.ADMIN)
        late = request_suspension(database, maker, subject)
        with database_unchanged(database), pytest.raises(ApprovalPending):
            request_suspension(database, maker, subject)
        clock.shift(LIFETIME - timedelta(microseconds=1))
        assert status_of(database, late) is ApprovalStatus.PENDING
        clock.shift(timedelta(microseconds=1))
        assert status_of(database, late) is ApprovalStatus.EXPIRED
        with database.reading() as session:
            assert late not in find_in_folder(session, is_waiting=True)
            source = approvals_queries.approval_requests()
            [listed] = fetch_by_ids(session, source, [late], "requested")
            assert listed.status is ApprovalStatus.EXPIRED
        with pytest.raises(ApprovalExpired):
            approve(database, checker, late)
        assert person_status(database, subject) == "active"
        renewed = request_suspension(database, maker, subject)
        clock.shift(LIFETIME)
        pending = request_suspension(database, maker, subject)
    with database.reading() as session:
        statuses = session.rows(
            "SELECT status FROM approvals WHERE id = ANY(%s) ORDER BY id",
            ([late, renewed, pending],),
        )
    assert statuses == [("expired",), ("expired",), ("pending",)]


def test_scheduled_job_ends_expired_requests(
    database: Database, people: People, subject: Actor
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        maker = people.staff(Role.COMPLIANCE)
        late = request_suspension(database, maker, subject)
        clock.shift(LIFETIME)
        with database.transaction() as session:
            approvals.expire_requests(session)
    with database.reading() as session:
        assert session.rows("SELECT status, checker_id FROM approvals WHERE id = %s", (late,)) == [
            ("expired", None)
        ]


def test_changed_subject_ends_the_request(
    database: Database, checker: Actor, subject: Actor, pending_id: UUID
) -> None:
    set_columns(database, subject, role="SUPPORT")
    with pytest.raises(ApprovalOutdated):
        approve(database, checker, pending_id)
    assert status_of(database, pending_id) is ApprovalStatus.OUTDATED
    assert person_status(database, subject) == "active"


def test_checker_who_lost_the_role_cannot_approve(
    database: Database, checker: Actor, pending_id: UUID
) -> None:
    """The actor object is older than the change of the role; the database decides."""
    set_columns(database, checker, role="AUDITOR")
    with database_unchanged(database), pytest.raises(PermissionDenied):
        approve(database, checker, pending_id)
    set_columns(database, checker, role="ADMIN", status="suspended")
    with database_unchanged(database), pytest.raises(PermissionDenied):
        approve(database, checker, pending_id)


def test_request_of_a_maker_without_permission_ends(
    database: Database, maker: Actor, checker: Actor, subject: Actor, pending_id: UUID
) -> None:
    set_columns(database, maker, role="SUPPORT")
    with pytest.raises(ApprovalOutdated):
        approve(database, checker, pending_id)
    assert person_status(database, subject) == "active"


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TELLER, Role.AUDITOR, Role.INVENTORY])
def test_people_without_permission_neither_request_nor_approve(
    database: Database, people: People, subject: Actor, pending_id: UUID, role: Role
) -> None:
    actor, other = people.staff(role), people.customer()
    with database_unchanged(database), pytest.raises(PermissionDenied):
        approve(database, actor, pending_id)
    with database_unchanged(database), pytest.raises(PermissionDenied):
        request_suspension(database, actor, other)


def test_unknown_request_is_not_found(database: Database, checker: Actor) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        approvals.approve(session, checker, uuid4(), seen_hash=b"")


def test_request_without_reason_is_refused(
    database: Database, maker: Actor, checker: Actor, subject: Actor, pending_id: UUID
) -> None:
    with database_unchanged(database), pytest.raises(Invalid), database.transaction() as session:
        approvals.reject(session, checker, pending_id, reason="no")
    with database_unchanged(database), pytest.raises(Invalid), database.transaction() as session:
        account_status.request_suspension(session, maker, subject.user_id, reason="")


def test_pending_and_ended_requests_are_listed(
    database: Database, checker: Actor, subject: Actor, pending_id: UUID
) -> None:
    decidable = approvals_queries.decidable_count(checker)
    assert decidable is not None
    with database.reading() as session:
        count = decidable.fetch(session)
        waiting = find_in_folder(session, is_waiting=True)
        about_subject = approvals_queries.list_pending_about(session, subject.user_id)
    assert pending_id in waiting
    assert [request.id for request in about_subject] == [pending_id]
    subject_id = ids.encode("usr", subject.user_id)
    assert about_subject[0].fields == [
        RequestField("role", "Customer", "Customer"),
        RequestField("person", subject_id, subject_id),
        RequestField("status", "Active", "Suspended"),
    ]
    approve(database, checker, pending_id)
    with database.reading() as session:
        assert decidable.fetch(session) == count - 1
        assert pending_id in find_in_folder(session, is_waiting=False)
        assert pending_id not in find_in_folder(session, is_waiting=True)


def test_pending_requests_are_counted_for_people_who_may_decide(
    database: Database, maker: Actor, checker: Actor, people: People
) -> None:
    boss = people.staff(Role.ADMIN)
    assert approvals_queries.decidable_count(people.staff(Role.AUDITOR)) is None

    def counts() -> list[int]:
        counts = [approvals_queries.decidable_count(person) for person in (maker, checker, boss)]
        with database.reading() as session:
            return [count.fetch(session) for count in counts if count]

    before = counts()
    with database.transaction() as session:
        account_status.request_suspension(session, maker, boss.user_id, reason=REASON)
    # Neither the maker, the subject nor a reader may decide it.
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [0, 1, 0]
    # Past the expiry, also of requests that other tests made in that year.
    with time_machine.travel(NOW + 3 * LIFETIME):
        assert counts() == [0, 0, 0]


def test_request_of_a_maker_on_whom_the_person_depends_is_not_counted(
    database: Database, maker: Actor, checker: Actor, subject: Actor, people: People
) -> None:
    invited = people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        record_sponsorship(session, invited.user_id, maker.user_id, SponsorshipKind.INVITED)

    def counts() -> list[int]:
        counts = [approvals_queries.decidable_count(person) for person in (checker, invited)]
        with database.reading() as session:
            return [count.fetch(session) for count in counts if count]

    before = counts()
    with database.transaction() as session:
        account_status.request_suspension(session, maker, subject.user_id, reason=REASON)
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 0]
    other = people.staff(Role.COMPLIANCE)
    with database.transaction() as session:
        account_status.request_suspension(session, other, people.customer().user_id, reason=REASON)
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [2, 1]


class TestCheckerMail:
    @pytest.fixture(autouse=True)
    def end_other_requests(self, database: Database) -> None:
        with database.transaction() as session:
            delete_rows(session, StagedJob, StagedJob.task == "approvals.tell_checkers")

    def sent_mail(self, database: Database) -> dict[str, list[str]]:
        """Return the texts of the sent emails by recipient."""
        with use_mailbox() as box:
            run_pending_jobs(database, "approvals.tell_checkers", "messages.send_mail")
        texts: dict[str, list[str]] = {}
        for mail in box.sent:
            if mail.subject.startswith("Approval needed: "):
                texts.setdefault(mail.recipient, []).append(mail.text)
        return texts

    def test_only_checkers_are_mailed_and_only_once(
        self, database: Database, people: People, checker: Actor, maker: Actor
    ) -> None:
        boss, gone = people.staff(Role.ADMIN), people.staff(Role.ADMIN)
        others = [people.staff(role) for role in (Role.SUPPORT, Role.AUDITOR, Role.USER)]
        set_columns(database, gone, status="suspended")
        pending_id = request_suspension(database, maker, boss)
        texts = self.sent_mail(database)
        assert len(texts[checker.email]) == 1
        [text] = texts[checker.email]
        assert "Suspend" in text
        assert "http://localhost:4001/admin/approvals\n" in text
        # Only the page names the subject and the reason.
        assert boss.email not in text
        assert REASON not in text
        for person in (maker, boss, gone, *others):
            assert person.email not in texts
        with database.transaction() as session:
            approvals.notify_checkers(session, pending_id)
        assert self.sent_mail(database) == {}

    def test_request_decided_meanwhile_sends_no_mail(
        self, database: Database, checker: Actor, pending_id: UUID
    ) -> None:
        approve(database, checker, pending_id)
        assert self.sent_mail(database) == {}
