"""Find people and read their account details, for staff."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Role
from app.identity.accounts import rules
from app.identity.accounts.rules import AccountStatus
from app.identity.models import User
from app.kit import ids, phones
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.kit.list_query import ListSource
from app.kit.statements import among, compile_select, contains

_NAMES = """
SELECT id, first_name || ' ' || last_name FROM users
WHERE id = ANY (ARRAY(SELECT unnest(%s::uuid[])))
"""
# Waits for an erasure in progress and then skips the erased person.
_LOCK_NEXT = """
SELECT id, first_name, last_name FROM users
WHERE (%(after)s::uuid IS NULL OR id > %(after)s) AND erased_at IS NULL
ORDER BY id LIMIT %(limit)s FOR KEY SHARE
"""
# As users_search_idx has it.
_BLANK: sa.ColumnElement[str] = sa.literal_column("' '")
_FULL_NAME = sa.func.lower(User.first_name + _BLANK + User.last_name)
_LOCK_ACTIVE = "SELECT FROM users WHERE id = %s AND status = 'active' FOR KEY SHARE"
_OPEN_SESSIONS = """
SELECT count(*) FROM login_sessions WHERE user_id = %s AND revoked_at IS NULL AND expires_at > %s
"""


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """A person's account: profile, role, branch and status."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    phone: str | None
    role: Role
    status: AccountStatus
    branch_id: UUID | None
    email_confirmed_at: datetime | None
    phone_verified_at: datetime | None
    created_at: datetime
    suspended_at: datetime | None
    suspended_reason: str | None

    @property
    def name(self) -> str:
        """First name and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("usr", self.id)


def is_known_by(text: str) -> sa.ColumnElement[bool]:
    """Match people whose email or name contains the text, or whose ID it is, or whose phone number
    it is or ends it."""
    query = text.lower()
    conditions = [contains(User.email_key, query), contains(_FULL_NAME, query)]
    if phone := phones.parse_phone(text):
        conditions.append(User.phone == phone)
    elif digits := phones.parse_end(text):
        conditions.append(User.phone.like(f"%{digits}"))
    person_id = _parse_id(query)
    if person_id is not None:
        conditions.append(User.id == person_id)
    return among(User.id.expression, sa.select(User.id).where(sa.or_(*conditions)))


def has_address(text: str) -> sa.ColumnElement[bool] | None:
    """Match the people with this email address or phone number; None for a text that is neither."""
    if phone := phones.parse_phone(text):
        return User.phone == phone
    try:
        return User.email_key == rules.normalize_email(text)
    except Invalid:
        return None


PEOPLE = ListSource(
    AccountDetails,
    sa.select(
        User.id,
        User.email,
        User.first_name,
        User.last_name,
        User.phone,
        User.role,
        User.status,
        User.branch_id,
        User.email_confirmed_at,
        User.phone_verified_at,
        User.created_at,
        User.suspended_at,
        User.suspended_reason,
    ),
    key=User.id,
    sorts={"joined": User.id, "email": User.email_key},
    filters={
        "q": is_known_by,
        "role": lambda role: User.role == role,
        "status": lambda status: User.status == status,
    },
)


_ACCOUNT = compile_select(PEOPLE.select.where(User.id == sa.bindparam("person_id")))


def find_by_email(session: Session, email: str) -> list[AccountDetails]:
    """Return the person with this email address, in any spelling; none for a malformed one."""
    try:
        email_key = rules.normalize_email(email)
    except Invalid:
        return []
    return session.select(AccountDetails, PEOPLE.select.where(User.email_key == email_key))


def find_by_phone(session: Session, phone: str, limit: int = 25) -> list[AccountDetails]:
    """Return the people with this phone number in E.164, which may be several, newest first."""
    people = PEOPLE.select.where(User.phone == phone).order_by(User.id.desc()).limit(limit)
    return session.select(AccountDetails, people)


def get_account(session: Session, person_id: UUID) -> AccountDetails:
    """Return the person's account. Raises `NotFound`."""
    return session.get(AccountDetails, _ACCOUNT, person_id=person_id)


def list_branch_staff(session: Session, branch_id: UUID) -> list[AccountDetails]:
    """Return the staff of a branch, in order of name."""
    staff = PEOPLE.select.where(User.branch_id == branch_id)
    in_order = staff.order_by(User.last_name, User.first_name, User.id)
    return session.select(AccountDetails, in_order)


def get_names(session: Session, person_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Return the full names of these people by id."""
    return dict(session.rows(_NAMES, (list(person_ids),)))


def lock_next_names(
    session: Session, after: UUID | None, limit: int
) -> list[tuple[UUID, str, str]]:
    """Return id, first and last name of the next people in order of id.

    Locks them against erasure until the transaction ends.
    """
    rows = session.rows(_LOCK_NEXT, {"after": after, "limit": limit})
    return [(person_id, first, last) for person_id, first, last in rows]


def lock_active(session: Session, person_id: UUID) -> None:
    """Lock this person against erasure until the transaction ends.

    Raises `PermissionDenied` for a suspended or erased person.
    """
    if session.row(_LOCK_ACTIVE, (person_id,)) is None:
        raise PermissionDenied("Your account is not active any more.")


def count_open_sessions(session: Session, person_id: UUID, now: datetime) -> int:
    """Return the number of the person's active login sessions."""
    count = session.value(_OPEN_SESSIONS, (person_id, now))
    return int(count)


def _parse_id(text: str) -> UUID | None:
    try:
        return ids.decode("usr", text)
    except NotFound:
        return None
