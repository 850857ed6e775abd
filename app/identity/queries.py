"""Named reads of identity, as typed rows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import DELEGABLE, Actor, Role
from app.access.policy import permissions_named
from app.identity import rules
from app.identity.api_keys import KeyClaims
from app.identity.errors import TokenInvalid
from app.identity.tokens import Claims
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.pipeline import Row, Statement

# What the role may do is read with it: whatever was taken away is gone with the next request.
_ACTOR = """
    SELECT u.id, u.email, u.role, u.branch_id, u.email_confirmed_at IS NOT NULL,
        (SELECT string_agg(g.permission, ' ') FROM role_grants g WHERE g.role = u.role)
"""
# A token never outlives its session, so the session's expiry needs no second look here.
_BY_SESSION = f"""
    {_ACTOR}, NULL FROM login_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = %s AND s.revoked_at IS NULL AND u.status = 'active'
"""
_BY_API_KEY = f"""
    {_ACTOR}, k.scopes FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.key_hash = %s AND k.revoked_at IS NULL AND u.status = 'active'
        AND (k.expires_at IS NULL OR k.expires_at > %s)
"""
_IS_ERASED = "SELECT FROM users WHERE id = %s AND erased_at IS NOT NULL"
_IS_ACTIVE = "SELECT FROM users WHERE id = %s AND status = 'active'"
_PERSON = """
    SELECT id, email, first_name, last_name, phone, role, email_confirmed_at, created_at
    FROM users WHERE
"""


@dataclass(frozen=True, slots=True)
class Person:
    """What others may know about a person: everything but their secrets."""

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
        """Whether the person has shown that the address is theirs."""
        return self.email_confirmed_at is not None

    @property
    def known(self) -> list[str]:
        """What others know of the person, and what their password must not be made of."""
        return rules.known_texts(self.email, self.first_name, self.last_name)


def actor_statement(claims: Claims | KeyClaims) -> Statement:
    """The statement that says whether a verified token or API key still counts, and for whom."""
    if isinstance(claims, KeyClaims):
        return _BY_API_KEY, (claims.key_hash, clock.now())
    return _BY_SESSION, (claims.session_id,)


def actor_from(row: Row | None, claims: Claims | KeyClaims) -> Actor:
    """The actor behind `actor_statement`'s row: by an API key, only what its scopes allow.

    Raises `TokenInvalid` without a row: the session or key is revoked or unknown, or the person
    suspended; and when it is another person's.
    """
    if row is None:
        raise TokenInvalid
    user_id, email, role, branch_id, confirmed, names, scopes = row
    if user_id != claims.user_id:
        raise TokenInvalid
    session_id, permissions = None, permissions_named(names or "")
    if isinstance(claims, KeyClaims):
        permissions &= DELEGABLE.intersection(scopes)
    else:
        session_id = claims.session_id
    return Actor(user_id, session_id, email, Role(role), permissions, branch_id, confirmed)


def person_by_id(session: Session, user_id: UUID) -> Person:
    """The person of that id. Raises `NotFound`."""
    return _person(session.row(_PERSON + "id = %s", (user_id,)))


def person_by_email(session: Session, email: str) -> Person:
    """The person with this address, however it is spelled. Raises `NotFound`, or `Invalid` if it
    is no address."""
    return _person(session.row(_PERSON + "email_key = %s", (rules.email_key(email),)))


def mail_address(session: Session, user_id: UUID) -> str:
    """Where the person is mailed to. Raises `NotFound` for nobody, and for somebody erased."""
    row = session.row("SELECT email FROM users WHERE id = %s AND erased_at IS NULL", (user_id,))
    if row is None:
        raise NotFound
    return str(row[0])


def is_erased(session: Session, user_id: UUID) -> bool:
    """Whether there was such a person, and they were erased."""
    return session.row(_IS_ERASED, (user_id,)) is not None


def is_active(session: Session, user_id: UUID) -> bool:
    """Whether this person is neither suspended nor erased."""
    return session.row(_IS_ACTIVE, (user_id,)) is not None


def email_key_of(session: Session, user_id: UUID) -> str:
    """The person's address as it is compared. Raises `NotFound`."""
    row = session.row("SELECT email_key FROM users WHERE id = %s", (user_id,))
    if row is None:
        raise NotFound
    return str(row[0])


def _person(row: Row | None) -> Person:
    if row is None:
        raise NotFound
    user_id, email, first_name, last_name, phone, role, email_confirmed_at, created_at = row
    return Person(
        user_id, email, first_name, last_name, phone, Role(role), email_confirmed_at, created_at
    )
