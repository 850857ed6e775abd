"""The one question: may this actor do this?"""

from dataclasses import dataclass
from uuid import UUID

from app.access.permissions import NEEDS_CONFIRMED_EMAIL, Permission, Role
from app.kit.errors import PermissionDenied


class EmailNotConfirmed(PermissionDenied):
    """Money moves only for a person who has confirmed their e-mail address by the link they were
    sent. Another link: POST /api/auth/verify-email/resend."""

    code = "email_not_confirmed"
    title = "Confirm your e-mail address first, by the link in the message that we sent you"


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
    email_confirmed: bool = False


def require(actor: Actor, permission: Permission) -> None:
    """Raises `PermissionDenied`, naming the permission, unless the actor has it, and
    `EmailNotConfirmed` where it moves money for somebody whose address nobody has confirmed."""
    if permission not in actor.permissions:
        raise PermissionDenied(f"This needs the permission {permission}")
    if permission in NEEDS_CONFIRMED_EMAIL and not actor.email_confirmed:
        raise EmailNotConfirmed
