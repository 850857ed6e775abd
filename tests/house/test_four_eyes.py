"""No chain of single-handed acts leads to an act that takes two people.

The acts of two people come from the registry of approvals, roles and permissions from the
permission table, so a new one is covered when it is declared. First the pairs: a checker who owes
the maker an account, a role, restored access or a permission, or whom the maker owes one of these,
is refused on every act.
Then the way there: one administrator does alone all that they may, for every role and permission,
and gets no account that holds a permission for an act of two people.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
import time_machine

from app.access import BRANCH_BOUND_ROLES, DEFAULT_PERMISSIONS, Actor, Permission, Role
from app.access.policy import is_editable
from app.approvals import queries as approvals_queries
from app.approvals import registry, rules
from app.approvals import service as approvals
from app.approvals.errors import NotIndependent
from app.identity.accounts import account_status, invitations, lost_second_factor
from app.identity.accounts import queries as accounts_queries
from app.identity.models import User
from app.identity.roles import current_permissions, role_assignments, role_permissions
from app.identity.roles.independence import ApprovalRules
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import Refusal
from app.settings import rules as settings_rules
from tests.house.source import CHECKOUT
from tests.people import People
from tests.rows import change_rows, read_values
from tests.second_person import add_grant, approve, remove_grant
from tests.staff import create_member_with_app

REASON = "because of a test"
#: The settings that one person changes: none decides who may act, or when an act takes two people.
SINGLE_HANDED_SETTINGS = frozenset(
    {
        *(f"exposure.band_{metal}" for metal in ("ag", "au", "cu", "pd", "pt")),
        "cart.opened_max",
        "order_payments.reminder_hours",
        "payments.prompts_per_hour",
        "payments.transfer_days",
        "payments.transfers_open",
        "payments.unfinished_minutes",
        "phones.codes_per_person_day",
        *(
            f"queue.{name}"
            for name in ("case", "goods_return", "order", "payment", "redemption", "verification")
        ),
        "phones.codes_per_phone_day",
        "restock.cover_days",
        "restock.sales_days",
        "verification.submissions_days",
        "verification.submissions_max",
        "verification.warning_days",
    }
)
#: Who writes roles, statuses, grants and prices. Each records to whom it is owed, asks a second
#: person where one is needed, or is an act of no one.
WRITERS: dict[str, set[str]] = {
    "INSERT INTO users": {"identity/accounts/service.py"},
    "UPDATE users SET role": {"identity/roles/role_assignments.py"},
    "UPDATE users SET status": {"identity/accounts/account_status.py"},
    "INSERT INTO role_grants": {"identity/roles/role_permissions.py"},
    # Customers register themselves; guests do, as customers; staff invite; the sample adds people.
    ".add_person(": {
        "identity/accounts/guests.py",
        "identity/accounts/invitations.py",
        "sample/parts/people.py",
    },
    # What staff change about prices is tried first, and takes a second person if it is large.
    "versions.write_version(": {"shop/prices/service.py"},
    "versions.end_version(": {"shop/prices/service.py"},
    "prices.set_by_operator(": set(),
}
_INSERT_REQUEST = """
INSERT INTO approvals (id, action, subject, payload, before, after, hash, reason, maker_id, status,
    created_at, expires_at)
VALUES (%s, %s, %s, '{}', '{}', '{}', %s, %s, %s, 'pending', %s, %s)
"""


@dataclass
class Staff:
    """A maker, and two administrators who owe nothing to each other or to the maker."""

    database: Database
    people: People
    maker: Actor
    seconds: tuple[Actor, Actor]

    def invite(self, inviter: Actor) -> Actor:
        """Return a new administrator: invited single-handedly, and raised by two others."""
        with self.database.transaction() as session:
            invited = invite(session, inviter, Role.AUDITOR)
        return self.raise_to_admin(invited, *self.seconds)

    def raise_to_admin(self, person: Actor, maker: Actor, checker: Actor) -> Actor:
        """Let two people make a person an administrator."""
        with self.database.transaction() as session:
            approval_id = role_assignments.change_role(
                session, maker, person.user_id, Role.ADMIN, reason=REASON
            )
        approve(self.database, checker, approval_id)
        return self.read(person)

    def read(self, person: Actor) -> Actor:
        """Return the person with the permissions that they hold now."""
        with self.database.transaction() as session:
            return current_permissions.lock_actor(session, person.user_id)


def insert_request(session: Session, maker: Actor, action: str) -> tuple[UUID, bytes]:
    """Request the action on nothing in particular; return the request's id and hash."""
    approval_id, now = ids.new(), clock.now()
    subject = f"a test {approval_id}"
    digest = rules.digest(action=action, subject=subject, payload={}, before={}, after={})
    expires_at = now + rules.LIFETIME
    values = (approval_id, action, subject, digest, REASON, maker.user_id, now, expires_at)
    session.send(_INSERT_REQUEST, values)
    return approval_id, digest


def invite(session: Session, inviter: Actor, role: Role, branch_id: UUID | None = None) -> Actor:
    """Invite a person to a role that one person may give."""
    email = f"{ids.new().hex}@example.com"
    names = {"first_name": "Ada", "last_name": "King"}
    invitations.invite(
        session, inviter, email=email, **names, role=role, branch_id=branch_id, reason=REASON
    )
    person = accounts_queries.get_person_by_email(session, email)
    return current_permissions.lock_actor(session, person.id)


class _Undone(Exception):
    """Ends a transaction whose changes are not kept."""


@contextmanager
def undone(database: Database) -> Iterator[Session]:
    """A transaction whose changes are not kept."""
    with suppress(_Undone), database.transaction() as session:
        yield session
        raise _Undone


@pytest.fixture
def staff(database: Database, people: People) -> Staff:
    maker, second, third = (people.staff(Role.ADMIN) for _ in range(3))
    return Staff(database, people, maker, (second, third))


# Pairs of a maker and a checker


def checker_invited_by_maker(staff: Staff) -> tuple[Actor, Actor]:
    return staff.maker, staff.invite(staff.maker)


def checker_invited_through_another(staff: Staff) -> tuple[Actor, Actor]:
    return staff.maker, staff.invite(staff.invite(staff.maker))


def maker_invited_by_checker(staff: Staff) -> tuple[Actor, Actor]:
    return staff.invite(staff.maker), staff.maker


def both_invited_by_one(staff: Staff) -> tuple[Actor, Actor]:
    return staff.invite(staff.maker), staff.invite(staff.maker)


def role_changed_by_maker(staff: Staff) -> tuple[Actor, Actor]:
    person = staff.people.staff(Role.SUPPORT)
    return staff.maker, staff.raise_to_admin(person, staff.maker, staff.seconds[0])


def reactivated_by_maker(staff: Staff) -> tuple[Actor, Actor]:
    person = staff.people.staff(Role.ADMIN)
    with staff.database.transaction() as session:
        change_rows(session, User, User.id == person.user_id, status="suspended")
    with staff.database.transaction() as session:
        approval_id = account_status.request_reactivation(
            session, staff.maker, person.user_id, reason=REASON
        )
    approve(staff.database, staff.seconds[0], approval_id)
    return staff.maker, person


def second_factor_removed_by_maker(staff: Staff) -> tuple[Actor, Actor]:
    member = create_member_with_app(staff.database)
    with staff.database.transaction() as session:
        approval_id = lost_second_factor.request_removal(
            session, staff.maker, member.actor.user_id, reason=REASON
        )
    approve(staff.database, staff.seconds[0], approval_id)
    return staff.maker, member.actor


def permission_granted_by_maker(staff: Staff) -> tuple[Actor, Actor]:
    """The checker's role holds all permissions, but owes this one to the maker."""
    person = staff.people.staff(Role.INVENTORY)
    with staff.database.transaction() as session:
        approval_id = role_permissions.grant_permission(
            session, staff.maker, Role.INVENTORY, Permission.APPROVALS_DECIDE, reason=REASON
        )
    approve(staff.database, staff.seconds[0], approval_id)
    return staff.maker, staff.read(person)


def permission_of_maker_granted_by_checker(staff: Staff) -> tuple[Actor, Actor]:
    checker, maker = permission_granted_by_maker(staff)
    return maker, checker


@pytest.fixture
def _inventory_holds_all_but_deciding(database: Database) -> Iterator[None]:
    held = DEFAULT_PERMISSIONS[Role.INVENTORY]
    needed = registry.two_person_permissions() - {Permission.APPROVALS_DECIDE} - held
    for permission in needed:
        add_grant(database, Role.INVENTORY, permission)
    yield
    for permission in needed | {Permission.APPROVALS_DECIDE}:
        remove_grant(database, Role.INVENTORY, permission)


@pytest.mark.usefixtures("_inventory_holds_all_but_deciding")
@pytest.mark.parametrize(
    "make_pair",
    [
        checker_invited_by_maker,
        checker_invited_through_another,
        maker_invited_by_checker,
        both_invited_by_one,
        role_changed_by_maker,
        reactivated_by_maker,
        second_factor_removed_by_maker,
        permission_granted_by_maker,
        permission_of_maker_granted_by_checker,
    ],
)
def test_dependent_checker_is_refused_on_every_act_of_two_people_until_the_days_are_over(
    database: Database, staff: Staff, make_pair: Callable[[Staff], tuple[Actor, Actor]]
) -> None:
    maker, checker = make_pair(staff)
    independent = staff.people.staff(Role.ADMIN)
    days = timedelta(days=ApprovalRules().independence_days)
    with undone(database) as session:
        for action in registry.action_names():
            approval_id, digest = insert_request(session, maker, action)
            with pytest.raises(NotIndependent), session.savepoint():
                approvals.approve(session, checker, approval_id, seen_hash=digest)
            with pytest.raises(NotIndependent), session.savepoint():
                approvals.reject(session, checker, approval_id, reason=REASON)
            deciders = approvals_queries.list_deciders(session, action, maker.user_id)
            assert checker.user_id not in deciders
            assert independent.user_id in deciders
            # The control: an independent person decides the same request.
            approvals.reject(session, independent, approval_id, reason=REASON)
    with time_machine.travel(clock.now() + days, tick=False), undone(database) as session:
        approval_id, _digest = insert_request(session, maker, "person.suspend")
        approvals.reject(session, checker, approval_id, reason=REASON)


# What one person reaches alone


def attempt(session: Session, act: Callable[[], object]) -> None:
    """Try an act alone. A refusal and a request for a second person change nothing that counts."""
    with suppress(Refusal), session.savepoint():
        act()


def reach_alone(session: Session, lone: Actor, branch_id: UUID) -> set[tuple[Role, Permission]]:
    """Return the permissions for acts of two people that one administrator gets into accounts of
    theirs by all that they may do alone: in which role which permission."""
    for role in Role:
        for permission in Permission:
            if is_editable(role, permission):
                grant = partial(role_permissions.grant_permission, session, lone, role, permission)
                attempt(session, partial(grant, reason=REASON))
    accounts = read_values(session, User.id)
    branches = {role: branch_id if role in BRANCH_BOUND_ROLES else None for role in Role}
    for role in Role:
        attempt(session, partial(invite, session, lone, role, branches[role]))
    reached = set(read_values(session, User.id)) - set(accounts)
    assert reached, "no one was invited: nothing is tried"
    powers = set()
    for person_id in reached:
        for role in Role:
            change = partial(role_assignments.change_role, session, lone, person_id, role)
            attempt(session, partial(change, branch_id=branches[role], reason=REASON))
            person = current_permissions.lock_actor(session, person_id)
            held = person.permissions & registry.two_person_permissions()
            powers |= {(person.role, permission) for permission in held}
    return powers


def test_one_administrator_alone_gets_no_permission_for_acts_of_two_people(
    database: Database, people: People
) -> None:
    lone, branch_id = people.staff(Role.ADMIN), people.branch()
    with undone(database) as session:
        assert reach_alone(session, lone, branch_id) == set()


def test_control_without_second_people_one_administrator_gets_all_permissions(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invitations and grants as they were: one administrator made checkers of all acts."""
    lone, branch_id = people.staff(Role.ADMIN), people.branch()
    needed = registry.two_person_permissions()
    monkeypatch.setattr(role_permissions, "list_two_person_permissions", lambda *_, **__: set())
    with undone(database) as session:
        reached = {permission for _role, permission in reach_alone(session, lone, branch_id)}
    assert reached <= needed
    assert Permission.APPROVALS_DECIDE in reached
    assert Permission.PAYMENTS_RELEASE in reached


def test_two_person_permissions_are_those_of_the_registered_acts() -> None:
    actions = [registry.get_action(name) for name in registry.action_names()]
    assert {action.permission for action in actions} < registry.two_person_permissions()
    # Who may make a checker needs a second person, too.
    assert registry.two_person_permissions() >= {
        Permission.APPROVALS_DECIDE,
        Permission.GRANTS_EDIT,
        Permission.ROLES_ASSIGN,
        Permission.SETTINGS_EDIT,
        Permission.STAFF_INVITE,
    }


def test_settings_that_one_person_changes_do_not_govern_who_decides() -> None:
    single_handed = {
        setting.name
        for setting in settings_rules.list_settings()
        if not setting.declared.needs_approval
    }
    assert single_handed == SINGLE_HANDED_SETTINGS


@pytest.mark.parametrize("text", WRITERS)
def test_no_other_module_writes_what_takes_two_people(text: str) -> None:
    app = CHECKOUT / "app"
    found = {
        str(path.relative_to(app))
        for path in app.rglob("*.py")
        if text in path.read_text(encoding="utf-8")
    }
    assert found == WRITERS[text]
