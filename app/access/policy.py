"""Decide what an actor may do, which branch's data they see and which permissions are editable."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from app.access.permissions import BRANCH_BOUND_ROLES, NEEDS_CONFIRMED_EMAIL, Permission, Role
from app.kit.errors import NotFound, PermissionDenied

_BY_NAME: Mapping[str, Permission] = MappingProxyType(
    {permission.value: permission for permission in Permission}
)


class EmailNotConfirmed(PermissionDenied):
    """Money moves only for a person who has confirmed their email address by the mailed link.
    POST /api/auth/verify-email/resend mails another link."""

    code = "email_not_confirmed"
    title = "Confirm your email address first: open the link in the email that we sent you."


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who acts, as the database had them when the request began.

    `session_id` is None on the command line, without a login session. `branch_id` is where a
    teller works.
    """

    user_id: UUID
    session_id: UUID | None
    email: str
    role: Role
    permissions: frozenset[Permission]
    branch_id: UUID | None = None
    email_confirmed: bool = False


def require(actor: Actor, permission: Permission) -> None:
    """Check that the actor holds the permission.

    Raises `PermissionDenied` naming the permission, and `EmailNotConfirmed` where the permission
    moves money and the actor's email address is not confirmed.
    """
    if permission not in actor.permissions:
        raise PermissionDenied(f"You need the permission {permission}.")
    if permission in NEEDS_CONFIRMED_EMAIL and not actor.email_confirmed:
        raise EmailNotConfirmed


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
