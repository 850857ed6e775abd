"""Change a person's role and branch.

No one changes their own. A member of staff who changes a role holds every staff permission that the
old and the new role hold. The ADMIN role, and every other one that gives the person a permission
for acts of two people, needs a second person. A change ends the person's
login sessions: what was opened for the old role is not for the new one.
"""

from uuid import UUID

from app.access import BRANCH_BOUND_ROLES, Actor, Permission, Role, require
from app.access.policy import select_staff_permissions
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import queries as branches_queries
from app.identity.accounts import locked_person
from app.identity.accounts.locked_person import LockedPerson
from app.identity.accounts.rules import AccountStatus
from app.identity.errors import AlreadySet, OwnAccountChange, PermissionNotHeld
from app.identity.roles import current_permissions, independence, role_permissions
from app.identity.roles.rules import SponsorshipKind
from app.identity.sign_in import sessions
from app.identity.sign_in.sessions import Revocation
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound

GRANT_ADMIN = "person.make_admin"
CHANGE_ROLE = "person.change_role"
_SET_ROLE = "UPDATE users SET role = %s, branch_id = %s WHERE id = %s"
_BY_EMAIL_KEY = "SELECT id FROM users WHERE email_key = %s"
_ADMINISTRATORS = "SELECT count(*) FROM users WHERE role = 'ADMIN' AND status = 'active'"


def change_role(
    session: Session,
    actor: Actor,
    person_id: UUID,
    role: Role,
    *,
    branch_id: UUID | None = None,
    reason: str,
) -> UUID | None:
    """Change a person's role, and a teller's branch, from their next request on.

    For a role that gives the person a permission for acts of two people, request a second person's
    approval instead and return the request's id. Raises `NotFound`, `PermissionDenied`,
    `OwnAccountChange`, `PermissionNotHeld`, `AlreadySet`, `LastAdministrator`, `ApprovalPending`,
    and `Invalid` naming the field.
    """
    reason = approvals_rules.clean_reason(reason)
    assigner = current_permissions.lock_actor(session, actor.user_id, actor.session_id)
    require(assigner, Permission.ROLES_ASSIGN)
    person = locked_person.lock_person(session, person_id)
    check_workplace(session, role, branch_id)
    if (person.role, person.branch_id) == (role, branch_id):
        raise AlreadySet
    if role is Role.ADMIN:
        return locked_person.request_approval(session, assigner, GRANT_ADMIN, person, reason)
    _check_assigning(session, assigner, person, role)
    if role_permissions.list_two_person_permissions(session, role, held_before=person.role):
        branch = ids.encode("brn", branch_id) if branch_id else ""
        return locked_person.request_approval(
            session, assigner, CHANGE_ROLE, person, reason, role=role.value, branch=branch
        )
    _set_role(session, assigner, person, role, branch_id=branch_id, reason=reason)
    return None


def appoint_first_admin(session: Session, email_key: str, *, reason: str) -> UUID:
    """Make a person an administrator without a second person, from the host's command line.

    Only while there are fewer than two administrators, so that no second person could approve.
    Raises `NotFound`, `AlreadySet`, and `Invalid` once there are two.
    """
    reason = approvals_rules.clean_reason(reason)
    current_permissions.lock_permissions(session)
    person_id = session.optional_value(_BY_EMAIL_KEY, (email_key,))
    person = None if person_id is None else locked_person.lock_person(session, person_id)
    if person is None:
        raise NotFound("No account has this email address.")
    if person.role is Role.ADMIN:
        raise AlreadySet
    administrators = session.value(_ADMINISTRATORS)
    if administrators > 1:
        raise Invalid(
            "email",
            "There are two administrators already. Ask one of them to do this on the pages.",
        )
    _set_role(session, None, person, Role.ADMIN, branch_id=None, reason=reason)
    return person.id


def _check_assigning(session: Session, assigner: Actor, person: LockedPerson, role: Role) -> None:
    """Raise unless the assigner may change the person's role from the present one to `role`."""
    if person.id == assigner.user_id:
        raise OwnAccountChange
    granted = role_permissions.list_grants(session)
    missing = select_staff_permissions(granted[person.role] | granted[role]) - assigner.permissions
    if missing:
        raise PermissionNotHeld(f"You do not hold {', '.join(sorted(missing))} yourself.")


def _set_role(
    session: Session,
    actor: Actor | None,
    person: LockedPerson,
    role: Role,
    *,
    branch_id: UUID | None,
    reason: str,
    approval: ApprovedRequest | None = None,
) -> None:
    session.send(_SET_ROLE, (role, branch_id, person.id))
    if actor is not None and role is not person.role:
        sponsor_id = approval.maker_id if approval else actor.user_id
        independence.record_sponsorship(
            session, person.id, sponsor_id, SponsorshipKind.ROLE_CHANGED
        )
    sessions.revoke_all(session, person.id, Revocation.ROLE_CHANGED)
    if person.status is AccountStatus.ACTIVE and actor is not None:
        current_permissions.check_administrators_remain(session)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PERSON_ROLE_CHANGED,
        subject=person.public_id,
        before=role_fields(person.role, person.branch_id),
        after=role_fields(role, branch_id) | locked_person.approval_evidence(approval),
        reason=reason,
    )


def check_workplace(session: Session, role: Role, branch_id: UUID | None) -> None:
    """Raise `Invalid` unless a role that is bound to a branch has one that serves customers, and
    any other role has none."""
    if (branch_id is not None) != (role in BRANCH_BOUND_ROLES):
        raise Invalid("branch", "Choose a branch for a teller, and no branch for any other role.")
    if branch_id is not None and not branches_queries.serves_customers(session, branch_id):
        raise Invalid("branch", "Choose a branch that serves customers.")


def role_fields(role: Role, branch_id: UUID | None) -> dict[str, str]:
    """Return a person's role and branch as the audit trail keeps them."""
    return {"role": role.value} | ({"branch": ids.encode("brn", branch_id)} if branch_id else {})


# Roles that need a second person


def _requested_role(payload: TextFields) -> tuple[Role, UUID | None]:
    branch = payload.get("branch")
    role = Role(payload.get("role", Role.ADMIN))
    return role, ids.decode("brn", branch) if branch else None


def _compare_role(session: Session, payload: TextFields) -> ProposedChange:
    person = locked_person.lock_payload_person(session, payload)
    name = {"person": person.public_id}
    return ProposedChange(
        name | role_fields(person.role, person.branch_id),
        name | role_fields(*_requested_role(payload)),
    )


def _check_role(session: Session, actor: Actor, payload: TextFields) -> None:
    role, _branch_id = _requested_role(payload)
    _check_assigning(session, actor, locked_person.lock_payload_person(session, payload), role)


def _change_requested_role(session: Session, approved: ApprovedRequest) -> None:
    role, branch_id = _requested_role(approved.payload)
    _set_role(
        session,
        approved.checker,
        locked_person.lock_payload_person(session, approved.payload),
        role,
        branch_id=branch_id,
        reason=approved.reason,
        approval=approved,
    )


for _name, _title, _effect in (
    (GRANT_ADMIN, "Make an administrator", "make {person} an administrator"),
    (CHANGE_ROLE, "Change a role", "give {person} the role {role}"),
):
    approvals_registry.register(
        ApprovalAction(
            _name,
            _title,
            Permission.ROLES_ASSIGN,
            _compare_role,
            _check_role,
            _change_requested_role,
            locked_person.describe_person,
            _effect.format_map,
            {"role": label_of(Role)},
            follows="All their sessions end, and they have the new role at their next sign-in.",
        )
    )
