"""The questions: may this actor do this, whose things may they see, and what may they hand on?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from app.access.permissions import BRANCH_BOUND_ROLES, NEEDS_CONFIRMED_EMAIL, Permission, Role
from app.kit.errors import NotFound, PermissionDenied

_BY_NAME: Mapping[str, Permission] = MappingProxyType({each.value: each for each in Permission})


class EmailNotConfirmed(PermissionDenied):
    """Money moves only for a person who has confirmed their e-mail address by the link they were
    sent. Another link: POST /api/auth/verify-email/resend."""

    code = "email_not_confirmed"
    title = "Confirm your e-mail address first, by the link in the message that we sent you"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who acts, as the database knew them when the request began.

    `session_id` is None when they act through the command line and not by a login session.
    `branch_id` is where a teller works.
    """

    user_id: UUID
    session_id: UUID | None
    email: str
    role: Role
    permissions: frozenset[Permission]
    branch_id: UUID | None = None
    email_confirmed: bool = False


def require(actor: Actor, permission: Permission) -> None:
    """Raises `PermissionDenied`, naming the permission, unless the actor has it, and
    `EmailNotConfirmed` where it moves money for somebody whose address nobody has confirmed."""
    if permission not in actor.permissions:
        raise PermissionDenied(f"This needs the permission {permission}")
    if permission in NEEDS_CONFIRMED_EMAIL and not actor.email_confirmed:
        raise EmailNotConfirmed


@lru_cache(maxsize=1024)
def parse_permissions(names: str) -> frozenset[Permission]:
    """The permissions of a text that names them, with blanks between.

    A name that this program does not know is a newer program's, and opens nothing here.
    """
    return frozenset(_BY_NAME[name] for name in names.split() if name in _BY_NAME)


def branch_scope(actor: Actor) -> UUID | None:
    """The branch whose things alone the actor sees; None for those who see every branch's.

    A query takes it as `(%(branch)s::uuid IS NULL OR branch_id = %(branch)s)`. Raises
    `PermissionDenied` for an actor who is bound to a branch and has none: they see nothing.
    """
    if actor.role not in BRANCH_BOUND_ROLES:
        return None
    if actor.branch_id is None:
        raise PermissionDenied("You belong to no branch yet. An administrator can say to which")
    return actor.branch_id


def check_branch(actor: Actor, branch_id: UUID | None) -> None:
    """Raises `NotFound` for a thing of another branch than the only one that the actor sees."""
    if branch_scope(actor) not in {None, branch_id}:
        raise NotFound


def select_staff_permissions(permissions: frozenset[Permission]) -> frozenset[Permission]:
    """Those that reach further than the holder's own things."""
    return frozenset(each for each in permissions if not each.startswith("own:"))


def is_editable(role: Role, permission: Permission) -> bool:
    """Whether an administrator may give this to that role, or take it away.

    What a person may do with their own things follows from what they are and is not granted;
    customers hold nothing of the house.
    """
    return role is not Role.USER and permission in select_staff_permissions(frozenset({permission}))
