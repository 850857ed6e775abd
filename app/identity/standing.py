"""A person's role, branch and status, and who may change them.

Nobody changes their own. Whoever changes a role holds everything of the house that the old and the
new role hold. Giving the ADMIN role, suspending and letting back in need a second person; only a
customer whom another room found to be barred is suspended at once (`freeze`). A change ends the
person's login sessions: what was opened for the old standing is not for the new one.
"""

from dataclasses import dataclass
from uuid import UUID

from app.access import BRANCH_BOUND, Actor, Permission, Role, require
from app.access.policy import of_the_house
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.registry import Action, Approved, Change, Texts
from app.audit import service as audit
from app.identity import authority, grants, sessions
from app.identity.errors import AlreadySo, LacksPermission, OwnStanding, PersonErased
from app.identity.sessions import Revocation
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound

GIVE_ADMIN = "person.make_admin"
SUSPEND = "person.suspend"
REACTIVATE = "person.reactivate"

_LOCK = """
SELECT id, email, role, branch_id, status FROM users WHERE id = %s FOR NO KEY UPDATE
"""
_SET_ROLE = "UPDATE users SET role = %s, branch_id = %s WHERE id = %s"
_SET_STATUS = """
UPDATE users SET status = %s, suspended_at = %s, suspended_reason = %s WHERE id = %s
"""
_BY_EMAIL_KEY = "SELECT id FROM users WHERE email_key = %s"
_ADMINISTRATORS = "SELECT count(*) FROM users WHERE role = 'ADMIN' AND status = 'active'"


@dataclass(frozen=True, slots=True)
class _Person:
    """A person as they stand, their row locked."""

    id: UUID
    email: str
    role: Role
    branch_id: UUID | None
    status: str

    @property
    def public_id(self) -> str:
        return ids.encode("usr", self.id)


def change_role(
    session: Session,
    actor: Actor,
    person_id: UUID,
    role: Role,
    *,
    branch_id: UUID | None = None,
    reason: str,
) -> UUID | None:
    """Give a person another role, and a teller their branch; in force from their next request on.

    The ADMIN role is asked for instead: answers the id of the request that waits for a second
    person. Raises `NotFound`, `PermissionDenied`, `OwnStanding`, `LacksPermission`, `AlreadySo`,
    `LastAdministrator`, and `Invalid` naming the field.
    """
    reason = approvals_rules.reason(reason)
    assigner = authority.acting(session, actor.user_id, actor.session_id)
    require(assigner, Permission.ROLES_ASSIGN)
    person = _locked(session, person_id)
    if (branch_id is not None) != (role in BRANCH_BOUND):
        raise Invalid("branch", "Choose a branch for a teller, and no branch for any other role.")
    if (person.role, person.branch_id) == (role, branch_id):
        raise AlreadySo
    if role is Role.ADMIN:
        return _ask(session, assigner, GIVE_ADMIN, person, reason)
    _check_assigning(session, assigner, person, role)
    _set_role(session, assigner, person, role, branch_id=branch_id, reason=reason)
    return None


def ask_to_suspend(session: Session, actor: Actor, person_id: UUID, *, reason: str) -> UUID:
    """Ask a second person to suspend somebody; answers the request's id.

    Raises `NotFound`, `PermissionDenied`, `OwnStanding`, `AlreadySo`, `ApprovalPending`, and
    `Invalid` for the reason.
    """
    return _ask(session, actor, SUSPEND, _locked_in_order(session, person_id), reason)


def ask_to_reactivate(session: Session, actor: Actor, person_id: UUID, *, reason: str) -> UUID:
    """Ask a second person to let somebody back in; answers the request's id. Raises as above."""
    return _ask(session, actor, REACTIVATE, _locked_in_order(session, person_id), reason)


def freeze(session: Session, actor: Actor | None, person_id: UUID, *, reason: str) -> None:
    """Suspend a customer at once, for a room that has decided it; `actor` is None for the program.

    Staff are left to two people, and who is not active stays as they are: nothing happens. Letting
    back in takes two people, as ever.
    """
    row = session.row(_LOCK, (person_id,))
    if row is None or row[2] != Role.USER or row[4] != "active":
        return
    session.send(_SET_STATUS, ("suspended", clock.now(), reason, person_id))
    sessions.revoke_all(session, person_id, Revocation.SUSPENDED)
    audit.record(
        session,
        actor=actor,
        action="person.suspended",
        subject=ids.encode("usr", person_id),
        before={"status": "active"},
        after={"status": "suspended"},
        reason=reason,
    )


def appoint_first_admins(session: Session, email_key: str, *, reason: str) -> UUID:
    """Make a person an administrator without a second person, from the command line of the host:
    only while fewer than two administer the house, so that there is no second person to ask.

    Raises `NotFound`, `AlreadySo`, and `Invalid` when two do.
    """
    reason = approvals_rules.reason(reason)
    authority.hold_still(session)
    row = session.row(_BY_EMAIL_KEY, (email_key,))
    person = _locked(session, row[0]) if row else None
    if person is None:
        raise NotFound("Nobody has this address")
    if person.role is Role.ADMIN:
        raise AlreadySo
    [(administrators,)] = session.rows(_ADMINISTRATORS)
    if administrators > 1:
        raise Invalid(
            "email",
            "There are two administrators already. Ask one of them to do this on the pages.",
        )
    _set_role(session, None, person, Role.ADMIN, branch_id=None, reason=reason)
    return person.id


def _ask(session: Session, actor: Actor, action: str, person: _Person, reason: str) -> UUID:
    return approvals.ask(
        session,
        actor,
        action,
        {"person": person.public_id},
        subject=person.public_id,
        subject_id=person.id,
        reason=reason,
    )


def _locked_in_order(session: Session, person_id: UUID) -> _Person:
    authority.hold_still(session)
    return _locked(session, person_id)


def _locked(session: Session, person_id: UUID) -> _Person:
    row = session.row(_LOCK, (person_id,))
    if row is None:
        raise NotFound
    user_id, email, role, branch_id, status = row
    if status == "erased":
        raise PersonErased
    return _Person(user_id, email, Role(role), branch_id, status)


def _meant(session: Session, payload: Texts) -> _Person:
    return _locked(session, ids.decode("usr", payload["person"]))


def _check_assigning(session: Session, assigner: Actor, person: _Person, role: Role) -> None:
    """Raises unless the assigner may take the person's role away and give them the other."""
    if person.id == assigner.user_id:
        raise OwnStanding
    held = grants.held(session)
    missing = of_the_house(held[person.role] | held[role]) - assigner.permissions
    if missing:
        raise LacksPermission(f"You lack {', '.join(sorted(missing))} yourself")


def _set_role(
    session: Session,
    actor: Actor | None,
    person: _Person,
    role: Role,
    *,
    branch_id: UUID | None,
    reason: str,
    approval: Approved | None = None,
) -> None:
    session.send(_SET_ROLE, (role, branch_id, person.id))
    sessions.revoke_all(session, person.id, Revocation.ROLE_CHANGED)
    if person.status == "active" and actor is not None:
        authority.check_governed(session)
    audit.record(
        session,
        actor=actor,
        action="person.role_changed",
        subject=person.public_id,
        before=_standing(person.role, person.branch_id),
        after=_standing(role, branch_id) | _evidence(approval),
        reason=reason,
    )


def _standing(role: Role, branch_id: UUID | None) -> dict[str, str]:
    return {"role": role.value} | ({"branch": ids.encode("brn", branch_id)} if branch_id else {})


def _evidence(approval: Approved | None) -> dict[str, str]:
    if approval is None:
        return {}
    return {
        "approval": ids.encode("apr", approval.id),
        "maker": ids.encode("usr", approval.maker_id),
    }


# Acts that need a second person


def _compare_admin(session: Session, payload: Texts) -> Change:
    person = _meant(session, payload)
    name = {"person": person.public_id}
    return Change(name | {"role": person.role.value}, name | {"role": Role.ADMIN.value})


def _check_admin(session: Session, actor: Actor, payload: Texts) -> None:
    _check_assigning(session, actor, _meant(session, payload), Role.ADMIN)


def _make_admin(session: Session, approved: Approved) -> None:
    person = _meant(session, approved.payload)
    _set_role(
        session,
        approved.checker,
        person,
        Role.ADMIN,
        branch_id=None,
        reason=approved.reason,
        approval=approved,
    )


def _compare_status(session: Session, payload: Texts, status: str) -> Change:
    person = _meant(session, payload)
    if person.status == status:
        raise AlreadySo
    name = {"person": person.public_id, "role": person.role.value}
    return Change(name | {"status": person.status}, name | {"status": status})


def _check_other(_session: Session, actor: Actor, payload: Texts) -> None:
    if ids.decode("usr", payload["person"]) == actor.user_id:
        raise OwnStanding


def _suspend(session: Session, approved: Approved) -> None:
    person = _meant(session, approved.payload)
    session.send(_SET_STATUS, ("suspended", clock.now(), approved.reason, person.id))
    sessions.revoke_all(session, person.id, Revocation.SUSPENDED)
    authority.check_governed(session)
    _record_status(session, approved, person, "suspended")


def _reactivate(session: Session, approved: Approved) -> None:
    person = _meant(session, approved.payload)
    session.send(_SET_STATUS, ("active", None, None, person.id))
    _record_status(session, approved, person, "reactivated")


def _record_status(session: Session, approved: Approved, person: _Person, done: str) -> None:
    audit.record(
        session,
        actor=approved.checker,
        action=f"person.{done}",
        subject=person.public_id,
        before={"status": person.status},
        after={"status": "suspended" if done == "suspended" else "active", **_evidence(approved)},
        reason=approved.reason,
    )


approvals_registry.register(
    Action(
        GIVE_ADMIN,
        "Make an administrator",
        Permission.ROLES_ASSIGN,
        _compare_admin,
        _check_admin,
        _make_admin,
    )
)
approvals_registry.register(
    Action(
        SUSPEND,
        "Suspend a person",
        Permission.PEOPLE_SUSPEND,
        lambda session, payload: _compare_status(session, payload, "suspended"),
        _check_other,
        _suspend,
    )
)
approvals_registry.register(
    Action(
        REACTIVATE,
        "Let a person back in",
        Permission.PEOPLE_SUSPEND,
        lambda session, payload: _compare_status(session, payload, "active"),
        _check_other,
        _reactivate,
    )
)
