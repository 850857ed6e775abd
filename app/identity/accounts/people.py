"""Finding people, and how they stand, for those who may see it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import Role
from app.kit import ids, pagination
from app.kit.db import Session
from app.kit.errors import NotFound, PermissionDenied
from app.kit.pagination import Page
from app.kit.pipeline import Row

_SELECT = """
SELECT id, email, first_name, last_name, phone, role, status, branch_id, email_confirmed_at,
    created_at, suspended_at, suspended_reason
FROM users WHERE
"""
_SEARCH = """
(%(text)s = '' OR strpos(email_key, %(text)s) > 0
    OR strpos(lower(first_name || ' ' || last_name), %(text)s) > 0 OR id = %(id)s)
AND (%(role)s::text IS NULL OR role = %(role)s)
AND (%(status)s::text IS NULL OR status = %(status)s)
AND (%(cursor)s::uuid IS NULL OR id < %(cursor)s)
ORDER BY id DESC LIMIT %(limit)s
"""
_AT_BRANCH = "branch_id = %s ORDER BY last_name, first_name, id"
_NAMES = "SELECT id, first_name || ' ' || last_name FROM users WHERE id = ANY(%s)"
# Whoever is being erased at this moment is waited for, and then is not there.
_LOCK_NEXT = """
SELECT id, first_name, last_name FROM users
WHERE (%(after)s::uuid IS NULL OR id > %(after)s) AND erased_at IS NULL
ORDER BY id LIMIT %(limit)s FOR KEY SHARE
"""
_LOCK_ACTIVE = "SELECT FROM users WHERE id = %s AND status = 'active' FOR KEY SHARE"
_OPEN_SESSIONS = """
SELECT count(*) FROM login_sessions WHERE user_id = %s AND revoked_at IS NULL AND expires_at > %s
"""
STATUSES = ("active", "suspended", "erased")


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """A person, and how they stand with the house."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    phone: str | None
    role: Role
    status: str
    branch_id: UUID | None
    email_confirmed_at: datetime | None
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


def search_people(
    session: Session,
    *,
    text: str = "",
    role: Role | None = None,
    status: str | None = None,
    cursor: UUID | None = None,
    limit: int = 25,
) -> Page[AccountDetails]:
    """People whose address or name contains the text, or whose public id it is; newest first."""
    wanted = text.strip().casefold()
    values = {"text": wanted, "id": _parse_id(wanted), "role": role, "status": status}
    rows = session.rows(_SELECT + _SEARCH, {**values, "cursor": cursor, "limit": limit + 1})
    return pagination.paginate([_to_account(row) for row in rows], limit, lambda each: each.id)


def get_account(session: Session, person_id: UUID) -> AccountDetails:
    """The person of that id. Raises `NotFound`."""
    row = session.row(_SELECT + "id = %s", (person_id,))
    if row is None:
        raise NotFound
    return _to_account(row)


def list_branch_staff(session: Session, branch_id: UUID) -> list[AccountDetails]:
    """Who works at a branch, by name."""
    return [_to_account(row) for row in session.rows(_SELECT + _AT_BRANCH, (branch_id,))]


def get_names(session: Session, people: Collection[UUID]) -> Mapping[UUID, str]:
    """The names of these people."""
    return dict(session.rows(_NAMES, (list(people),)))


def lock_next_names(
    session: Session, after: UUID | None, limit: int
) -> list[tuple[UUID, str, str]]:
    """Id, first and last name of the next people in the order of ids, of whom nobody is erased
    before this transaction ends."""
    rows = session.rows(_LOCK_NEXT, {"after": after, "limit": limit})
    return [(person_id, first, last) for person_id, first, last in rows]


def lock_active(session: Session, person_id: UUID) -> None:
    """Have nobody erase this person before the transaction ends. Raises `PermissionDenied` for
    somebody who is suspended or gone."""
    if session.row(_LOCK_ACTIVE, (person_id,)) is None:
        raise PermissionDenied("Your account is not active any more.")


def count_open_sessions(session: Session, person_id: UUID, now: datetime) -> int:
    """In how many places a person is logged in."""
    [(count,)] = session.rows(_OPEN_SESSIONS, (person_id, now))
    return int(count)


def _parse_id(text: str) -> UUID | None:
    try:
        return ids.decode("usr", text)
    except NotFound:
        return None


def _to_account(row: Row) -> AccountDetails:
    user_id, email, first, last, phone, role, *rest = row
    return AccountDetails(user_id, email, first, last, phone, Role(role), *rest)
