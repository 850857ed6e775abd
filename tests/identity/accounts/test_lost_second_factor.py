"""Staff remove a second factor that a person has lost, two of them each time."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import ApprovalOutdated, SelfApproval
from app.audit.models import AuditRecord
from app.identity.accounts import lost_second_factor
from app.identity.credentials import second_factor
from app.identity.errors import NoSecondFactor, OwnAccountChange
from app.identity.models import LoginSession, RecoveryCode, TotpCredential
from app.identity.sign_in import service as sign_in
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import PermissionDenied
from tests.mailbox import Mailbox, run_pending_jobs
from tests.people import People
from tests.rows import count_rows, read_values
from tests.staff import Member, create_member_with_app
from tests.unchanged_database import database_unchanged

REASON = "seen with their passport at the counter"


@dataclass
class Office:
    """Two administrators, and a member of staff who lost their phone."""

    database: Database
    maker: Actor
    checker: Actor
    owner: Member

    def request(self, maker: Actor, person: UUID) -> UUID:
        with self.database.transaction() as session:
            return lost_second_factor.request_removal(session, maker, person, reason=REASON)

    def approve(self, checker: Actor, request_id: UUID) -> None:
        with self.database.transaction() as session:
            seen = approvals_queries.lock_approval(session, request_id).hash
            approvals.approve(session, checker, request_id, seen_hash=seen)

    def has_factor(self) -> bool:
        with self.database.reading() as session:
            return lost_second_factor.has_factor(session, self.owner.actor.user_id)


@pytest.fixture
def office(database: Database, people: People) -> Office:
    maker, checker = people.staff(Role.ADMIN), people.staff(Role.COMPLIANCE)
    return Office(database, maker, checker, create_member_with_app(database, Role.SUPPORT))


def test_second_person_removes_factors_and_sessions_and_the_owner_hears_of_it(
    office: Office, mailbox: Mailbox
) -> None:
    owner = office.owner.actor.user_id
    with office.database.transaction() as session:
        sign_in.open_session(session, owner)
    request_id = office.request(office.maker, owner)
    assert office.has_factor()
    office.approve(office.checker, request_id)
    assert not office.has_factor()
    with office.database.reading() as session:
        for table in (TotpCredential, RecoveryCode):
            assert count_rows(session, table, table.user_id == owner) == 0
        reasons = read_values(session, LoginSession.revoked_reason, LoginSession.user_id == owner)
        [checker] = read_values(
            session,
            AuditRecord.actor_id,
            AuditRecord.action == "second_factor.removed",
            AuditRecord.subject == ids.encode("usr", owner),
        )
    assert set(reasons) == {"second_factor_changed"}
    assert checker == office.checker.user_id
    run_pending_jobs(office.database)
    assert mailbox.sent_to(office.owner.email)[-1].subject == "Your second factor was removed"


def test_maker_and_owner_cannot_approve_the_removal(office: Office) -> None:
    request_id = office.request(office.maker, office.owner.actor.user_id)
    for person in (office.maker, office.owner.actor):
        with pytest.raises((SelfApproval, PermissionDenied)):
            office.approve(person, request_id)
    assert office.has_factor()


def test_removal_is_refused_to_support_for_oneself_and_without_a_factor(
    office: Office, people: People
) -> None:
    owner = office.owner.actor
    refused: list[tuple[Actor, UUID, type[Exception]]] = [
        (people.staff(Role.SUPPORT), owner.user_id, PermissionDenied),
        (office.maker, office.maker.user_id, OwnAccountChange),
        (office.maker, people.customer().user_id, NoSecondFactor),
    ]
    for maker, person, refusal in refused:
        with database_unchanged(office.database), pytest.raises(refusal):
            office.request(maker, person)


def test_request_is_outdated_once_the_owner_has_found_the_app(office: Office) -> None:
    owner = office.owner
    request_id = office.request(office.maker, owner.actor.user_id)
    with office.database.transaction() as session:
        code = owner.recovery_codes[0]
        second_factor.switch_off(session, owner.actor, code, network="192.0.2.1")
    with pytest.raises(ApprovalOutdated):
        office.approve(office.checker, request_id)
