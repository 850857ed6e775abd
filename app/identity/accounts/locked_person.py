"""Lock the person whose account is about to change, request approval for the change, and describe
the person to who decides it."""

from dataclasses import dataclass
from uuid import UUID

from app.access import Actor, Permission, Role
from app.approvals import service as approvals
from app.approvals.registry import ApprovedRequest, TextFields
from app.identity.accounts import people
from app.identity.accounts.rules import AccountStatus
from app.identity.errors import PersonErased
from app.identity.roles import current_permissions
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.formatting import format_count, format_time

_LOCK = """
SELECT id, email, role, branch_id, status FROM users WHERE id = %s FOR NO KEY UPDATE
"""


@dataclass(frozen=True, slots=True)
class LockedPerson:
    """The account of a person, its row locked."""

    id: UUID
    email: str
    role: Role
    branch_id: UUID | None
    status: AccountStatus

    @property
    def public_id(self) -> str:
        """Return the id as it appears outside."""
        return ids.encode("usr", self.id)


def request_approval(
    session: Session,
    actor: Actor,
    action: str,
    person: LockedPerson,
    reason: str,
    **arguments: str,
) -> UUID:
    """Request a second person's approval of an action on the person, with further arguments by
    name. Returns the request's id."""
    return approvals.request_approval(
        session,
        actor,
        action,
        {"person": person.public_id, **arguments},
        subject=person.public_id,
        subject_id=person.id,
        reason=reason,
    )


def lock_permissions_and_person(session: Session, person_id: UUID) -> LockedPerson:
    """Lock the permissions and then the person. Raises `NotFound` and `PersonErased`."""
    current_permissions.lock_permissions(session)
    return lock_person(session, person_id)


def lock_person(session: Session, person_id: UUID) -> LockedPerson:
    """Lock the person's row. Raises `NotFound` and `PersonErased`."""
    row = session.row(_LOCK, (person_id,))
    if row is None:
        raise NotFound
    user_id, email, role, branch_id, status = row
    if status == AccountStatus.ERASED:
        raise PersonErased
    return LockedPerson(user_id, email, Role(role), branch_id, AccountStatus(status))


def lock_payload_person(session: Session, payload: TextFields) -> LockedPerson:
    """Lock the person that an approval's payload names. Raises as `lock_person`."""
    return lock_person(session, ids.decode("usr", payload["person"]))


def describe_person(session: Session, actor: Actor, person: str) -> TextFields:
    """Return a person's account as texts by label, for who decides an approval about it; nothing
    for an actor who may not read people. Raises `NotFound`."""
    if Permission.PEOPLE_READ not in actor.permissions:
        return {}
    account = people.get_account(session, ids.decode("usr", person))
    texts = {
        "Email": account.email,
        "Joined": format_time(account.created_at),
        "Active sessions": format_count(
            people.count_open_sessions(session, account.id, clock.now())
        ),
    }
    if account.suspended_at is not None:
        reason = account.suspended_reason
        texts["Suspended"] = f"{format_time(account.suspended_at)}: {reason}"
    return texts


def approval_evidence(approval: ApprovedRequest | None) -> dict[str, str]:
    """Return the approval and its maker as fields of an audit record."""
    if approval is None:
        return {}
    return {
        "approval": ids.encode("apr", approval.id),
        "maker": ids.encode("usr", approval.maker_id),
    }
