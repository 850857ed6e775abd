"""Invitations of staff: a person with a role and no password, and a link to choose one.

The link continues with setting up a second factor. Its bearer is not signed in before that. A role
that makes makers or checkers of acts of two people needs a second person's approval first: until
then the details wait in a table of their own.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, Role, require
from app.access.descriptions import PERMISSION_DESCRIPTIONS
from app.approvals import queries as approvals_queries
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.errors import ApprovalPending
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches.models import Branch
from app.identity.accounts import locked_person, queries, rules
from app.identity.accounts import service as accounts
from app.identity.accounts.rules import AccountStatus
from app.identity.credentials import one_time_tokens, security_mail
from app.identity.credentials import rules as credential_rules
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.credentials.passwords import PasswordHashing
from app.identity.errors import EmailTaken, RoleNotInvitable, TokenInvalid
from app.identity.models import User
from app.identity.roles import (
    current_permissions,
    independence,
    role_assignments,
    role_permissions,
)
from app.identity.roles.models import StaffInvitation
from app.identity.roles.rules import SponsorshipKind
from app.identity.sign_in import pending_sign_in
from app.kit import clock, ids, names
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound
from app.kit.list_query import ListSource
from app.kit.ports import resolve
from app.notifications.account_kinds import Invitation

INVITE = "staff.invite"
PREFIX = "inv"
#: Stored in place of a password hash. No password matches it.
NO_PASSWORD = "invited, and no password chosen yet"  # noqa: S105 - a marker, no secret

_LOCK_INVITED = """
SELECT branch_id FROM users WHERE id = %s AND password_hash = %s FOR NO KEY UPDATE
"""
_ACCEPT = """
UPDATE users SET password_hash = %s, email_confirmed_at = coalesce(email_confirmed_at, %s)
WHERE id = %s
"""
_STAFF_ROLES = [role for role in Role if role is not Role.USER]


class InvitationAccepted(Conflict):
    """The person has accepted the invitation: they have chosen a password."""

    code = "invitation_accepted"
    title = "This person has already accepted the invitation."


@dataclass(frozen=True, slots=True)
class PendingInvitation:
    """An invitation that is not accepted yet."""

    id: UUID
    email: str
    role: Role
    branch_id: UUID | None
    branch_code: str | None
    invited_at: datetime

    @property
    def public_id(self) -> str:
        """The person's id in forms."""
        return ids.encode("usr", self.id)


#: The invitations that are not accepted yet.
PENDING_INVITATIONS = ListSource(
    PendingInvitation,
    sa.select(
        User.id,
        User.email,
        User.role,
        User.branch_id,
        Branch.code.label("branch_code"),
        User.created_at.label("invited_at"),
    )
    .outerjoin(Branch, Branch.id == User.branch_id)
    .where(
        User.role.in_(_STAFF_ROLES),
        User.status == AccountStatus.ACTIVE,
        User.password_hash == NO_PASSWORD,
    ),
    key=User.id,
    sorts={"invited": User.id},
    filters={},
)


@dataclass(frozen=True, slots=True)
class PreparedAcceptance:
    """The first password of an invited person, checked and hashed."""

    token: str
    password_hash: str


def list_invitable_roles(session: Session, actor: Actor) -> list[Role]:
    """Return the roles that the actor may invite to: those whose permissions they all hold."""
    return [
        role
        for role, permissions in role_permissions.list_grants(session).items()
        if role not in {Role.USER, Role.ADMIN} and permissions <= actor.permissions
    ]


@dataclass(frozen=True, slots=True)
class _Invited:
    """Who is invited, and to what."""

    id: UUID
    email: str
    email_key: str
    first_name: str
    last_name: str
    role: Role
    branch_id: UUID | None


_REQUESTED = sa.select(
    StaffInvitation.id,
    StaffInvitation.email,
    StaffInvitation.email_key,
    StaffInvitation.first_name,
    StaffInvitation.last_name,
    StaffInvitation.role,
    StaffInvitation.branch_id,
)


def invite(
    session: Session,
    actor: Actor,
    *,
    email: str,
    first_name: str,
    last_name: str,
    role: str,
    branch_id: UUID | None = None,
    reason: str,
) -> UUID | None:
    """Add a person in a role and email them a link to choose a password.

    For a role that has a permission for acts of two people, request a second person's approval
    instead and return the request's id. A role that is bound to a branch needs one, so that their
    first page is not a refusal; any other role has none. Raises `PermissionDenied`,
    `RoleNotInvitable`, `EmailTaken`, `ApprovalPending`, and `Invalid` naming the field.
    """
    reason = approvals_rules.clean_reason(reason)
    inviter = current_permissions.lock_actor(session, actor.user_id, actor.session_id)
    require(inviter, Permission.STAFF_INVITE)
    if role not in list(Role):
        raise Invalid("role", "Choose a role from the list.")
    invited_role = Role(role)
    _check_invitable(session, inviter, invited_role)
    role_assignments.check_workplace(session, invited_role, branch_id)
    invited = _Invited(
        ids.new(),
        email,
        rules.normalize_email(email),
        names.clean_name("first_name", first_name),
        names.clean_name("last_name", last_name),
        invited_role,
        branch_id,
    )
    _check_free(session, invited.email_key)
    if role_permissions.list_two_person_permissions(session, invited_role):
        return _request_invitation(session, inviter, invited, reason)
    _add(session, inviter, invited, reason=reason)
    return None


def _check_invitable(session: Session, actor: Actor, role: Role) -> None:
    if role not in list_invitable_roles(session, actor):
        raise RoleNotInvitable


def _check_free(session: Session, email_key: str) -> None:
    # Checked first so that the form can say it. Only staff who invite learn who has an account.
    if session.rows("SELECT FROM users WHERE email_key = %s", (email_key,)):
        raise EmailTaken


def _add(
    session: Session,
    actor: Actor,
    invited: _Invited,
    *,
    reason: str,
    approved: ApprovedRequest | None = None,
) -> None:
    """Add the person, who owes it to who asked for it."""
    registration = rules.Registration(
        invited.email,
        invited.email_key,
        invited.first_name,
        invited.last_name,
        None,
        NO_PASSWORD,
    )
    user_id = accounts.add_person(session, registration, invited.role, branch_id=invited.branch_id)
    sponsor_id = approved.maker_id if approved else actor.user_id
    independence.record_sponsorship(session, user_id, sponsor_id, SponsorshipKind.INVITED)
    after = role_assignments.role_fields(invited.role, invited.branch_id)
    after |= locked_person.approval_evidence(approved)
    _mail(session, actor, user_id, invited.role, after=after, reason=reason)


def resend_invitation(session: Session, actor: Actor, person_id: UUID) -> None:
    """Email another link. Earlier links stop working.

    Raises `NotFound` and `InvitationAccepted`.
    """
    require(actor, Permission.STAFF_INVITE)
    person = queries.get_person(session, person_id)
    if person.role is Role.USER:
        raise NotFound
    # Lock links before people, as everywhere, to avoid deadlocks.
    one_time_tokens.invalidate_links(session, person.id, LinkPurpose.INVITATION)
    invited = session.row(_LOCK_INVITED, (person.id, NO_PASSWORD))
    if invited is None:
        raise InvitationAccepted
    [branch_id] = invited
    after = role_assignments.role_fields(person.role, branch_id)
    _mail(session, actor, person.id, person.role, after=after)


def find_invited_person(session: Session, token: str) -> queries.PersonProfile:
    """Return the person that the link invites, without using it. Raises `TokenInvalid`."""
    link = one_time_tokens.find_link(session, token, LinkPurpose.INVITATION)
    return queries.get_person(session, link.user_id)


def prepare_acceptance(
    person: queries.PersonProfile, *, token: str, password: str
) -> PreparedAcceptance:
    """Check and hash the password (slow, no database). Raises `Invalid`."""
    credential_rules.check_new_password("password", password, guessable=person.guessable_texts)
    return PreparedAcceptance(token, resolve(PasswordHashing).hash(password))


def accept(session: Session, acceptance: PreparedAcceptance) -> str:
    """Use the link: set the password and return the browser's secret for the second step.

    Raises `TokenInvalid`, for all but one of concurrent uses too.
    """
    user_id = one_time_tokens.redeem_link(session, acceptance.token, LinkPurpose.INVITATION).user_id
    if session.row(_LOCK_INVITED, (user_id, NO_PASSWORD)) is None:
        raise TokenInvalid("This invitation was already accepted. Sign in instead.")
    session.send(_ACCEPT, (acceptance.password_hash, clock.now(), user_id))
    one_time_tokens.invalidate_links(session, user_id, LinkPurpose.INVITATION)
    one_time_tokens.invalidate_links(session, user_id, LinkPurpose.RESET_PASSWORD)
    audit.record(
        session,
        actor=None,
        action=AuditAction.INVITATION_ACCEPTED,
        subject=ids.encode("usr", user_id),
    )
    return pending_sign_in.start_pending(session, user_id)


def _mail(
    session: Session,
    actor: Actor,
    user_id: UUID,
    role: Role,
    *,
    after: Mapping[str, str],
    reason: str | None = None,
) -> None:
    """Record the invitation, with `after`, and email its link."""
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PERSON_INVITED,
        subject=ids.encode("usr", user_id),
        after=after,
        reason=reason,
    )
    security_mail.mail_link(
        session, user_id, LinkPurpose.INVITATION, lambda link_id: Invitation(link_id, role)
    )


# Invitations that need a second person


def delete_expired_requests(session: Session) -> None:
    """Delete who was to be invited once no one can approve it any more."""
    too_old = clock.now() - approvals_rules.LIFETIME
    session.write(sa.delete(StaffInvitation).where(StaffInvitation.requested_at < too_old))


def _request_invitation(session: Session, inviter: Actor, invited: _Invited, reason: str) -> UUID:
    earlier = session.find(
        _Invited, _REQUESTED.where(StaffInvitation.email_key == invited.email_key)
    )
    if earlier is not None:
        if approvals_queries.has_pending(session, ids.encode(PREFIX, earlier.id)):
            raise ApprovalPending
        session.write(sa.delete(StaffInvitation).where(StaffInvitation.id == earlier.id))
    session.write(sa.insert(StaffInvitation).values(**asdict(invited), requested_at=clock.now()))
    public_id = ids.encode(PREFIX, invited.id)
    return approvals.request_approval(
        session, inviter, INVITE, {"invitation": public_id}, subject=public_id, reason=reason
    )


def _get_requested(session: Session, public_id: str) -> _Invited:
    """Return the invitation that waits: its row is never changed. Raises `NotFound`."""
    requested = _REQUESTED.where(StaffInvitation.id == ids.decode(PREFIX, public_id))
    return session.get(_Invited, requested)


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    invited = _get_requested(session, payload["invitation"])
    _check_free(session, invited.email_key)
    return ProposedChange({}, role_assignments.role_fields(invited.role, invited.branch_id))


def _check(session: Session, actor: Actor, payload: TextFields) -> None:
    _check_invitable(session, actor, _get_requested(session, payload["invitation"]).role)


def _invite_requested(session: Session, approved: ApprovedRequest) -> None:
    invited = _get_requested(session, approved.payload["invitation"])
    session.write(sa.delete(StaffInvitation).where(StaffInvitation.id == invited.id))
    _add(session, approved.checker, invited, reason=approved.reason, approved=approved)


def _describe(session: Session, _actor: Actor, subject: str) -> TextFields:
    """Return who is invited, and what they could then do together with a second person."""
    invited = _get_requested(session, subject)
    powers = role_permissions.list_two_person_permissions(session, invited.role)
    return {
        "Name": f"{invited.first_name} {invited.last_name}",
        "Email": invited.email,
        "Gives": " ".join(PERMISSION_DESCRIPTIONS[power] for power in sorted(powers)),
    }


approvals_registry.register(
    ApprovalAction(
        INVITE,
        "Invite a member of staff",
        Permission.STAFF_INVITE,
        _compare,
        _check,
        _invite_requested,
        _describe,
        lambda fields: f"invite them to the role {fields['role']}",
        {"role": label_of(Role)},
        follows="They receive an email with a link to choose a password.",
    )
)
