"""What approvals ask of the room that knows people."""

from typing import Protocol
from uuid import UUID

from app.access import Actor, Permission
from app.kit.db import Session


class CurrentPermissions(Protocol):
    """Who may do what at this very moment."""

    def lock_actor(self, session: Session, user_id: UUID, session_id: UUID | None = None) -> Actor:
        """The person with the permissions they have now, which nobody changes before this
        transaction ends. Raises `PermissionDenied` for somebody suspended or gone."""
        ...

    def find_holders(self, session: Session, permissions: frozenset[Permission]) -> list[UUID]:
        """Everybody active who may do all of this now."""
        ...
