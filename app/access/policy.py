"""The one question: may this actor do this?"""

from dataclasses import dataclass
from uuid import UUID

from app.access.permissions import Permission, Role
from app.kit.errors import PermissionDenied


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who acts, as the database knew them when the request began.

    `session_id` is None when they act through the command line and not by a login session.
    """

    user_id: UUID
    session_id: UUID | None
    email: str
    role: Role
    permissions: frozenset[Permission]


def require(actor: Actor, permission: Permission) -> None:
    """Raises `PermissionDenied`, naming the permission, unless the actor has it."""
    if permission not in actor.permissions:
        raise PermissionDenied(f"This needs the permission {permission}")
