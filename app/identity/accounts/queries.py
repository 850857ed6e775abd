"""Named reads of accounts, as typed rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Role
from app.identity.accounts import rules
from app.identity.credentials import rules as credential_rules
from app.identity.models import User
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.pipeline import Row, Statement
from app.kit.statements import compile_select, compile_statement

_IS_ERASED = "SELECT FROM users WHERE id = %s AND erased_at IS NOT NULL"
_IS_ACTIVE = "SELECT FROM users WHERE id = %s AND status = 'active'"
_PROFILE = sa.select(
    User.id,
    User.email,
    User.first_name,
    User.last_name,
    User.phone,
    User.role,
    User.email_confirmed_at,
    User.phone_verified_at,
    User.created_at,
)
_BY_ID = compile_select(_PROFILE.where(User.id == sa.bindparam("user_id")))
_BY_EMAIL = compile_select(_PROFILE.where(User.email_key == sa.bindparam("email_key")))


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
    phone_verified_at: datetime | None
    created_at: datetime

    @property
    def email_confirmed(self) -> bool:
        """Whether the person has confirmed their email address."""
        return self.email_confirmed_at is not None

    @property
    def phone_verified(self) -> bool:
        """Whether a code has shown that the phone is the person's."""
        return self.phone_verified_at is not None

    @property
    def verified_phone(self) -> str | None:
        """The phone number that was verified by a code, to which messages and money may go."""
        return self.phone if self.phone_verified else None

    @property
    def guessable_texts(self) -> list[str]:
        """Texts that others know about the person and that a password must not consist of."""
        return credential_rules.guessable_texts(self.email, self.first_name, self.last_name)


def get_person(session: Session, user_id: UUID) -> PersonProfile:
    """Return the person. Raises `NotFound`."""
    return session.get(PersonProfile, _BY_ID, user_id=user_id)


def select_person(user_id: UUID) -> Statement:
    """Return the statement of `get_person`, to be sent together with others."""
    return _BY_ID.with_values({"user_id": user_id})


def to_person(rows: Sequence[Row]) -> PersonProfile:
    """Return the person in the rows of `select_person`. Raises `NotFound`."""
    row = next(iter(rows), None)
    if row is None:
        raise NotFound
    return PersonProfile(**_BY_ID.read(row))


def get_person_by_email(session: Session, email: str) -> PersonProfile:
    """Return the person with this email address, in any spelling.

    Raises `NotFound`, and `Invalid` for a malformed address.
    """
    return session.get(PersonProfile, _BY_EMAIL, email_key=rules.normalize_email(email))


def find_by_verified_phone(session: Session, phone: str) -> UUID | None:
    """Return the only person who showed that this phone number, in E.164, is theirs; None without
    one, or if several did."""
    select = sa.select(User.id.label("user_id")).where(
        User.phone == phone, User.phone_verified_at.is_not(None)
    )
    found: list[UUID] = session.select(lambda user_id: user_id, select.limit(2))
    if len(found) != 1:
        return None
    [user_id] = found
    return user_id


def get_email(session: Session, user_id: UUID) -> str:
    """Return the person's email address. Raises `NotFound` for an unknown or erased person."""
    email = session.optional_value(
        "SELECT email FROM users WHERE id = %s AND erased_at IS NULL", (user_id,)
    )
    if email is None:
        raise NotFound
    return str(email)


def has_people(session: Session, *, outside_domain: str = "") -> bool:
    """Return whether there is anyone whose email address is not in this domain."""
    is_other = User.email_key.not_like(f"%@{outside_domain}") if outside_domain else sa.true()
    select = sa.select(sa.exists().where(User.erased_at.is_(None), is_other))
    return bool(session.value(*compile_statement(select)))


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
