"""Named reads of accounts, as typed rows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import Role
from app.identity.accounts import rules
from app.identity.credentials import rules as credential_rules
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.pipeline import Row

_IS_ERASED = "SELECT FROM users WHERE id = %s AND erased_at IS NOT NULL"
_IS_ACTIVE = "SELECT FROM users WHERE id = %s AND status = 'active'"
_PERSON = """
    SELECT id, email, first_name, last_name, phone, role, email_confirmed_at, created_at
    FROM users WHERE
"""


@dataclass(frozen=True, slots=True)
class PersonProfile:
    """A person's profile, without credentials."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    phone: str | None
    role: Role
    email_confirmed_at: datetime | None
    created_at: datetime

    @property
    def email_confirmed(self) -> bool:
        """Whether the person has confirmed their email address."""
        return self.email_confirmed_at is not None

    @property
    def guessable_texts(self) -> list[str]:
        """Texts that others know about the person and that a password must not consist of."""
        return credential_rules.guessable_texts(self.email, self.first_name, self.last_name)


def get_person(session: Session, user_id: UUID) -> PersonProfile:
    """Return the person. Raises `NotFound`."""
    return _to_profile(session.row(_PERSON + "id = %s", (user_id,)))


def get_person_by_email(session: Session, email: str) -> PersonProfile:
    """Return the person with this email address, in any spelling.

    Raises `NotFound`, and `Invalid` for a malformed address.
    """
    return _to_profile(session.row(_PERSON + "email_key = %s", (rules.normalize_email(email),)))


def get_email(session: Session, user_id: UUID) -> str:
    """Return the person's email address. Raises `NotFound` for an unknown or erased person."""
    email = session.optional_value(
        "SELECT email FROM users WHERE id = %s AND erased_at IS NULL", (user_id,)
    )
    if email is None:
        raise NotFound
    return str(email)


def is_erased(session: Session, user_id: UUID) -> bool:
    """Return whether the person was erased."""
    return session.row(_IS_ERASED, (user_id,)) is not None


def is_active(session: Session, user_id: UUID) -> bool:
    """Return whether the person is neither suspended nor erased."""
    return session.row(_IS_ACTIVE, (user_id,)) is not None


def get_email_key(session: Session, user_id: UUID) -> str:
    """Return the person's email address as it is compared. Raises `NotFound`."""
    email_key = session.optional_value("SELECT email_key FROM users WHERE id = %s", (user_id,))
    if email_key is None:
        raise NotFound
    return str(email_key)


def _to_profile(row: Row | None) -> PersonProfile:
    if row is None:
        raise NotFound
    user_id, email, first_name, last_name, phone, role, email_confirmed_at, created_at = row
    return PersonProfile(
        user_id, email, first_name, last_name, phone, Role(role), email_confirmed_at, created_at
    )
