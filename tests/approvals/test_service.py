"""A second person: never the first, never too late, never for something else than was shown."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
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
from app.approvals.rules import LIFETIME, ApprovalStatus
from app.identity.accounts import account_status
from app.identity.accounts import people as persons
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied, Refusal
from tests.mailbox import run_pending_jobs, use_mailbox
from tests.people import People
from tests.unchanged_database import database_unchanged

WHY = "reported by the bank"
NOW = datetime(2034, 5, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def maker(people: People) -> Actor:
    return people.staff(Role.COMPLIANCE)


@pytest.fixture
def checker(people: People) -> Actor:
    return people.staff(Role.ADMIN)


@pytest.fixture
def subject(people: People) -> Actor:
    # One administrator more, so that it is never the last that is spoken of.
    people.staff(Role.ADMIN)
    return people.customer()


@pytest.fixture
def asked(database: Database, maker: Actor, subject: Actor) -> UUID:
    """A request to suspend somebody."""
    return ask(database, maker, subject)


def ask(database: Database, maker: Actor, subject: Actor) -> UUID:
    with database.transaction() as session:
        return account_status.request_suspension(session, maker, subject.user_id, reason=WHY)


def seen(database: Database, approval_id: UUID) -> bytes:
    with database.reading() as session:
        return approvals_queries.get_approval(session, approval_id).hash


def approve(database: Database, checker: Actor, approval_id: UUID) -> Refusal | None:
    shown = seen(database, approval_id)
    with database.transaction() as session:
        return approvals.approve(session, checker, approval_id, seen_hash=shown)


def status(database: Database, approval_id: UUID) -> ApprovalStatus:
    with database.reading() as session:
        return approvals_queries.get_approval(session, approval_id).status


def person_status(database: Database, person: Actor) -> str:
    with database.reading() as session:
        return persons.get_account(session, person.user_id).status


def put(database: Database, person: Actor, **values: str) -> None:
    with database.transaction() as session:
        for name, value in values.items():
            session.send(f"UPDATE users SET {name} = %s WHERE id = %s", (value, person.user_id))


def test_what_is_approved_is_done(
    database: Database, maker: Actor, checker: Actor, subject: Actor, asked: UUID
) -> None:
    assert person_status(database, subject) == "active"
    assert approve(database, checker, asked) is None
    assert person_status(database, subject) == "suspended"
    with database.reading() as session:
        found = approvals_queries.get_approval(session, asked)
        events = session.rows(
            "SELECT from_status, to_status, actor_id FROM approval_events"
            " WHERE approval_id = %s ORDER BY id",
            (asked,),
        )
        trail = session.rows(
            "SELECT action, actor_id, reason FROM audit_records"
            " WHERE subject IN (%s, %s) ORDER BY id",
            (ids.encode("apr", asked), ids.encode("usr", subject.user_id)),
        )
    assert (found.status, found.checker_id) == (ApprovalStatus.APPROVED, checker.user_id)
    assert events == [
        (None, "pending", maker.user_id),
        ("pending", "approved", checker.user_id),
    ]
    assert trail == [
        ("approval.asked", maker.user_id, WHY),
        ("approval.approved", checker.user_id, None),
        ("person.suspended", checker.user_id, WHY),
    ]


def test_nobody_approves_what_they_asked_for(
    database: Database, people: People, subject: Actor
) -> None:
    admin = people.staff(Role.ADMIN)
    mine = ask(database, admin, subject)
    with database_unchanged(database), pytest.raises(SelfApproval):
        approve(database, admin, mine)
    with (
        database_unchanged(database),
        pytest.raises(SelfApproval),
        database.transaction() as session,
    ):
        approvals.reject(session, admin, mine, reason=WHY)


def test_the_database_refuses_it_too(database: Database, maker: Actor, asked: UUID) -> None:
    with (
        database_unchanged(database),
        pytest.raises(SelfApproval),
        database.transaction() as session,
    ):
        session.send(
            "UPDATE approvals SET status = 'approved', checker_id = %s, decided_at = now()"
            " WHERE id = %s",
            (maker.user_id, asked),
        )


def test_nobody_approves_what_is_about_them(
    database: Database, people: People, maker: Actor, checker: Actor
) -> None:
    people.staff(Role.ADMIN)
    about = ask(database, maker, checker)
    with database_unchanged(database), pytest.raises(SelfApproval):
        approve(database, checker, about)


def test_it_is_approved_once(
    database: Database, people: People, checker: Actor, asked: UUID
) -> None:
    assert approve(database, checker, asked) is None
    other = people.staff(Role.ADMIN)
    for again in (checker, other):
        with database_unchanged(database), pytest.raises(ApprovalDecided):
            approve(database, again, asked)


def test_a_request_that_was_rejected_is_over(
    database: Database, people: People, checker: Actor, subject: Actor, asked: UUID
) -> None:
    with database.transaction() as session:
        approvals.reject(session, checker, asked, reason="not enough evidence")
    assert status(database, asked) is ApprovalStatus.REJECTED
    other = people.staff(Role.ADMIN)
    with database_unchanged(database), pytest.raises(ApprovalDecided):
        approve(database, other, asked)
    assert person_status(database, subject) == "active"


def test_only_its_maker_takes_it_back(
    database: Database, maker: Actor, checker: Actor, asked: UUID
) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        approvals.withdraw(session, checker, asked)
    with database.transaction() as session:
        approvals.withdraw(session, maker, asked)
    with database_unchanged(database), pytest.raises(ApprovalDecided):
        approve(database, checker, asked)


def test_an_edited_request_dies_and_the_new_one_is_looked_at_anew(
    database: Database, maker: Actor, checker: Actor, subject: Actor, asked: UUID
) -> None:
    other_shown = b"\x00" * 32
    with database.transaction() as session:
        new = approvals.replace_request(session, maker, asked, reason="reported by two banks")
    assert status(database, asked) is ApprovalStatus.SUPERSEDED
    with database_unchanged(database), pytest.raises(ApprovalDecided):
        approve(database, checker, asked)
    with (
        database_unchanged(database),
        pytest.raises(ApprovalChanged),
        database.transaction() as session,
    ):
        approvals.approve(session, checker, new, seen_hash=other_shown)
    assert approve(database, checker, new) is None
    assert person_status(database, subject) == "suspended"


def test_only_its_maker_edits_it(database: Database, checker: Actor, asked: UUID) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        approvals.replace_request(session, checker, asked, reason=WHY)


def test_a_row_that_somebody_rewrote_is_not_approved(
    app: Flask, database: Database, checker: Actor, people: People, asked: UUID
) -> None:
    """By the owner: the application's role may not write there."""
    victim = ids.encode("usr", people.customer().user_id)
    owner_url = app.extensions["settings"].database_owner_url.replace("+psycopg", "")
    with psycopg.connect(owner_url) as owner:
        owner.execute(
            "UPDATE approvals SET payload = jsonb_build_object('person', %s::text) WHERE id = %s",
            (victim, asked),
        )
    with database_unchanged(database), pytest.raises(ApprovalChanged):
        approve(database, checker, asked)
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        database.transaction() as session,
    ):
        session.send("UPDATE approvals SET payload = '{}' WHERE id = %s", (asked,))


def test_an_expired_request_ends_and_can_be_asked_for_again(
    database: Database, people: People, subject: Actor
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        maker, checker = people.staff(Role.COMPLIANCE), people.staff(Role.ADMIN)
        late = ask(database, maker, subject)
        with database_unchanged(database), pytest.raises(ApprovalPending):
            ask(database, maker, subject)
        clock.shift(LIFETIME - timedelta(microseconds=1))
        assert status(database, late) is ApprovalStatus.PENDING
        clock.shift(timedelta(microseconds=1))
        assert status(database, late) is ApprovalStatus.EXPIRED
        assert isinstance(approve(database, checker, late), ApprovalExpired)
        assert person_status(database, subject) == "active"
        again = ask(database, maker, subject)
        clock.shift(LIFETIME)
        unnoticed = ask(database, maker, subject)
    with database.reading() as session:
        found = session.rows(
            "SELECT status FROM approvals WHERE id = ANY(%s) ORDER BY id",
            ([late, again, unnoticed],),
        )
    assert found == [("expired",), ("expired",), ("pending",)]


def test_the_timetable_ends_what_has_expired(
    database: Database, people: People, subject: Actor
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        maker = people.staff(Role.COMPLIANCE)
        late = ask(database, maker, subject)
        clock.shift(LIFETIME)
        with database.transaction() as session:
            approvals.expire_requests(session)
    with database.reading() as session:
        assert session.rows("SELECT status, checker_id FROM approvals WHERE id = %s", (late,)) == [
            ("expired", None)
        ]


def test_what_changed_meanwhile_ends_it(
    database: Database, checker: Actor, subject: Actor, asked: UUID
) -> None:
    put(database, subject, role="SUPPORT")
    assert isinstance(approve(database, checker, asked), ApprovalOutdated)
    assert status(database, asked) is ApprovalStatus.OUTDATED
    assert person_status(database, subject) == "active"


def test_a_checker_who_lost_the_role_meanwhile_approves_nothing(
    database: Database, checker: Actor, asked: UUID
) -> None:
    """The actor was made when the request began; the database knows better."""
    put(database, checker, role="AUDITOR")
    with database_unchanged(database), pytest.raises(PermissionDenied):
        approve(database, checker, asked)
    put(database, checker, role="ADMIN", status="suspended")
    with database_unchanged(database), pytest.raises(PermissionDenied):
        approve(database, checker, asked)


def test_a_request_of_somebody_who_may_no_longer_ask_ends(
    database: Database, maker: Actor, checker: Actor, subject: Actor, asked: UUID
) -> None:
    put(database, maker, role="SUPPORT")
    assert isinstance(approve(database, checker, asked), ApprovalOutdated)
    assert person_status(database, subject) == "active"


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TELLER, Role.AUDITOR, Role.INVENTORY])
def test_those_who_may_not_do_it_neither_ask_nor_approve(
    database: Database, people: People, subject: Actor, asked: UUID, role: Role
) -> None:
    actor, other = people.staff(role), people.customer()
    with database_unchanged(database), pytest.raises(PermissionDenied):
        approve(database, actor, asked)
    with database_unchanged(database), pytest.raises(PermissionDenied):
        ask(database, actor, other)


def test_an_unknown_request_is_not_there(database: Database, checker: Actor) -> None:
    with database_unchanged(database), pytest.raises(NotFound), database.transaction() as session:
        approvals.approve(session, checker, uuid4(), seen_hash=b"")


def test_a_reason_is_needed(
    database: Database, maker: Actor, checker: Actor, subject: Actor, asked: UUID
) -> None:
    with database_unchanged(database), pytest.raises(Invalid), database.transaction() as session:
        approvals.reject(session, checker, asked, reason="no")
    with database_unchanged(database), pytest.raises(Invalid), database.transaction() as session:
        account_status.request_suspension(session, maker, subject.user_id, reason="")


def test_the_inbox_holds_what_waits(
    database: Database, checker: Actor, subject: Actor, asked: UUID
) -> None:
    with database.reading() as session:
        count = approvals_queries.count_decidable(session, checker)
        waiting = {each.id for each in approvals_queries.list_approvals(session, pending=True).data}
        about = approvals_queries.list_pending_about(session, subject.user_id)
    assert asked in waiting
    assert [each.id for each in about] == [asked]
    who = ids.encode("usr", subject.user_id)
    assert about[0].changes == [
        ("role", "USER", "USER"),
        ("person", who, who),
        ("status", "active", "suspended"),
    ]
    approve(database, checker, asked)
    with database.reading() as session:
        assert approvals_queries.count_decidable(session, checker) == count - 1
        ended = {each.id for each in approvals_queries.list_approvals(session, pending=False).data}
    assert asked in ended


def test_what_waits_is_counted_for_those_who_may_decide_it(
    database: Database, maker: Actor, checker: Actor, people: People
) -> None:
    boss, auditor = people.staff(Role.ADMIN), people.staff(Role.AUDITOR)

    def counts() -> list[int]:
        with database.reading() as session:
            asked_of = (maker, checker, boss, auditor)
            return [approvals_queries.count_decidable(session, each) for each in asked_of]

    before = counts()
    with database.transaction() as session:
        account_status.request_suspension(session, maker, boss.user_id, reason=WHY)
    # Neither who asked, nor whom it is about, nor who only looks on.
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [0, 1, 0, 0]
    # Another test asked in that year.
    with time_machine.travel(NOW + 3 * LIFETIME):
        assert counts() == [0, 0, 0, 0]


class TestTelling:
    @pytest.fixture(autouse=True)
    def nothing_else_waits(self, database: Database) -> None:
        with database.transaction() as session:
            session.send("DELETE FROM outbox WHERE task = 'approvals.tell_checkers'")

    def told(self, database: Database) -> dict[str, list[str]]:
        """What was mailed, by address."""
        with use_mailbox() as box:
            run_pending_jobs(database, "approvals.tell_checkers", "messages.send_mail")
        found: dict[str, list[str]] = {}
        for mail in box.sent:
            if mail.subject.startswith("Approval needed: "):
                found.setdefault(mail.recipient, []).append(mail.text)
        return found

    def test_checkers_are_mailed_once_and_nobody_else(
        self, database: Database, people: People, checker: Actor, maker: Actor
    ) -> None:
        boss, gone = people.staff(Role.ADMIN), people.staff(Role.ADMIN)
        others = [people.staff(role) for role in (Role.SUPPORT, Role.AUDITOR, Role.USER)]
        put(database, gone, status="suspended")
        asked = ask(database, maker, boss)
        told = self.told(database)
        assert len(told[checker.email]) == 1
        [text] = told[checker.email]
        assert "Suspend" in text
        assert "http://127.0.0.1:4001/admin/approvals\n" in text
        # Whom it is about, and why, stands on the page alone.
        assert boss.email not in text
        assert WHY not in text
        for person in (maker, boss, gone, *others):
            assert person.email not in told
        with database.transaction() as session:
            approvals.notify_checkers(session, approval_id=str(asked))
        assert self.told(database) == {}

    def test_of_what_was_decided_meanwhile_nobody_is_told(
        self, database: Database, checker: Actor, asked: UUID
    ) -> None:
        approve(database, checker, asked)
        assert self.told(database) == {}
