"""Roles and suspensions decided by many at once: one decision wins, an administrator remains."""

from collections.abc import Callable
from uuid import UUID

import pytest

from app.access import Actor, Permission, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import ApprovalDecided
from app.audit.models import AuditRecord
from app.identity.accounts import account_status
from app.identity.errors import AlreadySet, LastAdministrator, LastRoleWithPermission
from app.identity.models import User
from app.identity.roles import current_permissions, role_assignments, role_permissions
from app.identity.roles.models import RoleGrant
from app.kit import ids
from app.kit.errors import PermissionDenied
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Act, Arena, winners
from tests.rows import change_rows, count_rows, delete_rows, read_values
from tests.second_person import add_grant

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(10, 100)
REASON = "because of a race"
Record = Callable[[str, object], None]


@pytest.fixture(autouse=True)
def _only_administrators_of_the_race(arena: Arena) -> None:
    """Leave no administrators except those that the race creates."""
    _no_administrator_remains(arena)


def count_administrators(arena: Arena) -> int:
    with arena.database.reading() as session:
        count = count_rows(session, User, User.role == "ADMIN", User.status == "active")
    return int(count)


def approve_as(arena: Arena, checker: Actor, approval_id: UUID) -> Act:
    with arena.database.reading() as session:
        seen_hash = approvals_queries.get_approval(session, approval_id).hash

    def act() -> None:
        with arena.database.transaction() as session:
            approvals.approve(session, checker, approval_id, seen_hash=seen_hash)

    return act


def request_suspension(arena: Arena, maker: Actor, subject: Actor) -> UUID:
    with arena.database.transaction() as session:
        return account_status.request_suspension(session, maker, subject.user_id, reason=REASON)


def demote_as(arena: Arena, actor: Actor, person: Actor) -> Act:
    def act() -> None:
        with arena.database.transaction() as session:
            role_assignments.change_role(session, actor, person.user_id, Role.USER, reason=REASON)

    return act


def test_request_approved_by_many_checkers_is_executed_once(
    arena: Arena, record_property: Record
) -> None:
    random = seeded_random("checkers")
    checkers = [arena.people.staff(Role.COMPLIANCE) for _ in range(4)]
    maker = arena.people.staff(Role.COMPLIANCE)
    arena.people.staff(Role.ADMIN)
    for _ in rounds(ROUNDS, "checkers"):
        subject = arena.people.customer()
        request = request_suspension(arena, maker, subject)
        acts = [approve_as(arena, checker, request) for checker in checkers] * (THREADS // 4)
        won = winners(arena.all_at_once(acts, random), ApprovalDecided)
        assert won == [None]
        with arena.database.reading() as session:
            done = count_rows(
                session,
                AuditRecord,
                AuditRecord.action == "person.suspended",
                AuditRecord.subject == ids.encode("usr", subject.user_id),
            )
        assert done == 1
    record_property("evidence", f"{ROUNDS} × {THREADS} threads approve one request: one did")


def test_one_administrator_remains_when_two_demote_each_other(
    arena: Arena, record_property: Record
) -> None:
    random = seeded_random("demoting")
    for _ in rounds(ROUNDS, "demoting"):
        ada, bob = arena.people.staff(Role.ADMIN), arena.people.staff(Role.ADMIN)
        acts = [demote_as(arena, ada, bob), demote_as(arena, bob, ada)] * (THREADS // 2)
        won = winners(arena.all_at_once(acts, random), PermissionDenied, AlreadySet)
        assert len(won) == 1
        assert count_administrators(arena) == 1
        _no_administrator_remains(arena)
    record_property("evidence", f"{ROUNDS} × two administrators demote each other: one stayed")


def test_one_of_the_last_two_administrators_is_not_suspended(
    arena: Arena, record_property: Record
) -> None:
    random = seeded_random("suspending")
    maker, checker = (arena.people.staff(Role.COMPLIANCE) for _ in range(2))
    for _ in rounds(ROUNDS, "suspending"):
        pair = [arena.people.staff(Role.ADMIN) for _ in range(2)]
        requests = [request_suspension(arena, maker, each) for each in pair]
        acts = [approve_as(arena, checker, each) for each in requests] * (THREADS // 2)
        won = winners(arena.all_at_once(acts, random), ApprovalDecided, LastAdministrator)
        assert won == [None]
        assert count_administrators(arena) == 1
        _no_administrator_remains(arena)
    record_property("evidence", f"{ROUNDS} × the last two suspended at once: one stayed")


def test_one_of_the_last_two_roles_keeps_the_permission(
    arena: Arena, record_property: Record
) -> None:
    random = seeded_random("taking")
    edit = Permission.GRANTS_EDIT
    for _ in rounds(ROUNDS, "taking"):
        admin = arena.people.staff(Role.ADMIN)
        officer = arena.people.staff(Role.COMPLIANCE)
        add_grant(arena.database, Role.COMPLIANCE, edit)

        def revoke_as(actor: Actor, role: Role) -> Act:
            def act() -> None:
                with arena.database.transaction() as session:
                    role_permissions.revoke_permission(session, actor, role, edit, reason=REASON)

            return act

        acts = [revoke_as(admin, Role.COMPLIANCE), revoke_as(officer, Role.ADMIN)] * (THREADS // 2)
        winners(arena.all_at_once(acts, random), PermissionDenied, LastRoleWithPermission)
        with arena.database.reading() as session:
            holders = {
                role
                for role, permissions in role_permissions.list_grants(session).items()
                if edit in permissions
            }
        assert len(holders) == 1
        # Restored for the next round and for other tests.
        with arena.database.transaction() as session:
            delete_rows(session, RoleGrant, RoleGrant.permission == edit)
            session.send("INSERT INTO role_grants VALUES ('ADMIN', %s)", (edit,))
        _no_administrator_remains(arena)
    record_property("evidence", f"{ROUNDS} × two roles lose the permission to edit: one kept it")


def test_checker_demoted_meanwhile_approved_before_or_not_at_all(
    arena: Arena, record_property: Record
) -> None:
    """The checker approves before losing the role, or is refused."""
    random = seeded_random("role lost")
    maker = arena.people.staff(Role.COMPLIANCE)
    boss = arena.people.staff(Role.ADMIN)
    in_time = 0
    for _ in rounds(ROUNDS, "role lost"):
        checker, subject = arena.people.staff(Role.COMPLIANCE), arena.people.customer()
        request = request_suspension(arena, maker, subject)
        half = THREADS // 2
        acts = [approve_as(arena, checker, request)] * half + [
            demote_as(arena, boss, checker)
        ] * half
        outcomes = arena.all_at_once(acts, random)
        winners(outcomes, PermissionDenied, ApprovalDecided, AlreadySet)
        approved = sum(outcome is None for outcome in outcomes[:half])
        assert sum(outcome is None for outcome in outcomes[half:]) == 1
        with arena.database.reading() as session:
            [status] = read_values(session, User.status, User.id == subject.user_id)
        assert (approved, status) in {(1, "suspended"), (0, "active")}
        in_time += approved
    line = f"{ROUNDS} × approving while losing the role: {in_time} were in time, the rest refused"
    record_property("evidence", line)


def test_control_without_the_lock_no_administrator_remains(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: these races detect changes that do not wait for each other."""
    monkeypatch.setattr(current_permissions, "lock_permissions", lambda _session: None)
    random = seeded_random("headless")
    for _ in rounds(30, "headless"):
        ada, bob = arena.people.staff(Role.ADMIN), arena.people.staff(Role.ADMIN)
        acts = [demote_as(arena, ada, bob), demote_as(arena, bob, ada)] * (THREADS // 2)
        outcomes = arena.all_at_once(acts, random)
        deadlocked = any(type(outcome).__name__ == "LockTimeout" for outcome in outcomes)
        if deadlocked or count_administrators(arena) != 1:
            return
        _no_administrator_remains(arena)
    pytest.fail("no race was detected")


def _no_administrator_remains(arena: Arena) -> None:
    with arena.database.transaction() as session:
        change_rows(session, User, User.role == "ADMIN", role="SUPPORT")
