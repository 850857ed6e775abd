"""Decide what an actor may do, which branch's data they see and which permissions are editable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from app.access.consents import AcceptedVersions, Policy, missing_consents
from app.access.permissions import (
    NEEDS_CONFIRMED_EMAIL,
    NEEDS_CONSENTS,
    NEEDS_CURRENT_CONSENTS,
    Permission,
)
from app.access.roles import BRANCH_BOUND_ROLES, Role
from app.kit.errors import NotFound, PermissionDenied

_BY_NAME: Mapping[str, Permission] = MappingProxyType(
    {permission.value: permission for permission in Permission}
)


class EmailNotConfirmed(PermissionDenied):
    """Money moves, and API keys and second factors are set up, only for a person who has confirmed
    their email address by the mailed link. POST /api/auth/verify-email/resend mails another
    link."""

    code = "email_not_confirmed"
    title = "Confirm your email address first: open the link in the email that we sent you."


class PoliciesNotAccepted(PermissionDenied):
    """Money moves only for a person who has accepted the current version of every required policy;
    to withdraw, an earlier version is enough. GET /api/me/consents lists the policies, and
    POST /api/me/consents accepts one; so does `acceptedPolicies` at registration."""

    code = "policies_not_accepted"
    title = "Accept the policies first."

    def __init__(self, missing: list[Policy]) -> None:
        named = " and ".join(f"{policy.name}, version {policy.version}" for policy in missing)
        super().__init__(f"Accept the policies first, with POST /api/me/consents: {named}.")


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who acts, as the database had them when the request began.

    `session_id` is None on the command line, without a login session. `branch_id` is where a
    teller works. `proven_at` is when they last proved their identity in that session; a program
    with an API key never did. `accepted` has the versions of policies that they consented to.
    `is_guest` says that they have no password.
    """

    user_id: UUID
    session_id: UUID | None
    email: str
    role: Role
    permissions: frozenset[Permission]
    branch_id: UUID | None = None
    email_confirmed: bool = False
    proven_at: datetime | None = None
    accepted: AcceptedVersions = frozenset()
    is_guest: bool = False


def require(actor: Actor, permission: Permission) -> None:
    """Check that the actor holds the permission.

    Raises `PermissionDenied` naming the permission, `EmailNotConfirmed` where the permission moves
    money or adds credentials and the actor's email address is not confirmed, and
    `PoliciesNotAccepted` where it moves money and a required policy is not accepted.
    """
    if permission not in actor.permissions:
        raise PermissionDenied(f"You need the permission {permission}.")
    if permission in NEEDS_CONFIRMED_EMAIL and not actor.email_confirmed:
        raise EmailNotConfirmed
    if permission in NEEDS_CONSENTS:
        missing = missing_consents(
            actor.accepted, any_version=permission not in NEEDS_CURRENT_CONSENTS
        )
        if missing:
            raise PoliciesNotAccepted(missing)


@lru_cache(maxsize=1024)
def parse_permissions(names: str) -> frozenset[Permission]:
    """Return the permissions that the text names, separated by blanks.

    An unknown name belongs to a newer release and grants nothing here.
    """
    return frozenset(_BY_NAME[name] for name in names.split() if name in _BY_NAME)


def branch_scope(actor: Actor) -> UUID | None:
    """Return the only branch whose data the actor sees; None for actors who see every branch.

    A query takes it as `(%(branch)s::uuid IS NULL OR branch_id = %(branch)s)`. Raises
    `PermissionDenied` for an actor in a branch-bound role without a branch.
    """
    if actor.role not in BRANCH_BOUND_ROLES:
        return None
    if actor.branch_id is None:
        raise PermissionDenied("You have no branch yet. Ask an administrator to assign one.")
    return actor.branch_id


def check_branch(actor: Actor, branch_id: UUID | None) -> None:
    """Raise `NotFound` if the actor sees one branch only and `branch_id` is another one."""
    if branch_scope(actor) not in {None, branch_id}:
        raise NotFound


def select_staff_permissions(permissions: frozenset[Permission]) -> frozenset[Permission]:
    """Return the permissions that reach beyond the holder's own data."""
    return frozenset(permission for permission in permissions if not permission.startswith("own:"))


def is_editable(role: Role, permission: Permission) -> bool:
    """Return whether an administrator may grant the permission to the role or revoke it.

    Permissions on a person's own data follow from the role and are not granted. Customers hold no
    staff permissions.
    """
    return role is not Role.USER and permission in select_staff_permissions(frozenset({permission}))
