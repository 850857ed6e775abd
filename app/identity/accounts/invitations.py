"""Invitations of staff: a person with a role and no password, and a link to choose one.

The link continues with setting up a second factor. Its bearer is not signed in before that.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import BRANCH_BOUND_ROLES, Actor, Permission, Role, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches.models import Branch
from app.identity.accounts import queries, rules
from app.identity.accounts import service as accounts
from app.identity.accounts.rules import AccountStatus
from app.identity.credentials import one_time_tokens, security_mail
from app.identity.credentials import rules as credential_rules
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.credentials.passwords import PasswordHashing
from app.identity.errors import EmailTaken, RoleNotInvitable, TokenInvalid
from app.identity.models import User
from app.identity.roles import role_assignments, role_permissions
from app.identity.sign_in import pending_sign_in
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound
from app.kit.list_query import ListSource
from app.kit.ports import resolve
from app.notifications.account_kinds import Invitation

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


def invite(
    session: Session,
    actor: Actor,
    *,
    email: str,
    first_name: str,
    last_name: str,
    role: str,
    branch_id: UUID | None = None,
) -> UUID:
    """Add a person in a role and email them a link to choose a password. Returns their id.

    A role that is bound to a branch needs one, so that their first page is not a refusal; any other
    role has none. Raises `PermissionDenied`, `RoleNotInvitable`, `EmailTaken`, and `Invalid` naming
    the field.
    """
    require(actor, Permission.STAFF_INVITE)
    if role not in list(Role):
        raise Invalid("role", "Choose a role from the list.")
    invited_role = next(
        (known for known in list_invitable_roles(session, actor) if known == role), None
    )
    if invited_role is None:
        raise RoleNotInvitable
    if (branch_id is not None) != (invited_role in BRANCH_BOUND_ROLES):
        raise Invalid("branch", "Choose a branch for a teller, and no branch for any other role.")
    registration = rules.Registration(
        email,
        rules.normalize_email(email),
        rules.clean_name("first_name", first_name),
        rules.clean_name("last_name", last_name),
        None,
        NO_PASSWORD,
    )
    # Checked first so that the form can say it. Only staff who invite learn who has an account.
    if session.rows("SELECT FROM users WHERE email_key = %s", (registration.email_key,)):
        raise EmailTaken
    user_id = accounts.add_person(session, registration, invited_role, branch_id=branch_id)
    _mail(session, actor, user_id, invited_role, branch_id)
    return user_id


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
    _mail(session, actor, person.id, person.role, branch_id)


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
    session: Session, actor: Actor, user_id: UUID, role: Role, branch_id: UUID | None
) -> None:
    subject = ids.encode("usr", user_id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PERSON_INVITED,
        subject=subject,
        after=role_assignments.role_fields(role, branch_id),
    )
    security_mail.mail_link(
        session, user_id, LinkPurpose.INVITATION, lambda link_id: Invitation(link_id, role)
    )
