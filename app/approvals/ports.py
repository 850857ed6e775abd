"""The ports through which approvals read current permissions, and who is independent of whom."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True)
class Dependence:
    """Why a person may not decide a request of another one, in a sentence, and until when."""

    reason: str
    until: datetime


class Independence(Protocol):
    """Who owes their account, role or permissions to whom."""

    def find_dependences(
        self,
        session: Session,
        maker_id: UUID,
        checker_ids: Collection[UUID],
        permissions: frozenset[Permission],
    ) -> Mapping[UUID, Dependence]:
        """Return why each of these people may not decide a request of the maker; those who may are
        left out. `permissions` are what the decision needs."""
        ...

    def find_dependent(
        self,
        session: Session,
        checker_id: UUID,
        requests: Collection[tuple[UUID, frozenset[Permission]]],
    ) -> set[tuple[UUID, frozenset[Permission]]]:
        """Return those of the requests (their maker, and what the decision needs) that this person
        may not decide."""
        ...
