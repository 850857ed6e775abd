"""The port through which approvals read current permissions."""

from typing import Protocol
from uuid import UUID

from app.access import Actor, Permission
from app.kit.db import Session


class CurrentPermissions(Protocol):
    """The permissions that people hold at this moment."""

    def lock_actor(self, session: Session, user_id: UUID, session_id: UUID | None = None) -> Actor:
        """Return the actor with the permissions they hold now, locked until the transaction ends.

        Raises `PermissionDenied` for a suspended or erased person.
        """
        ...

    def find_holders(self, session: Session, permissions: frozenset[Permission]) -> list[UUID]:
        """Return the ids of the active people who hold all of these permissions."""
        ...
