"""The verbs of identity: register, log in, refresh, log out, change the password.

Logging in, refreshing and changing the password may have to *record* something and then refuse: a
failed attempt, a stolen token. Raising would roll the record back, so these verbs answer the
refusal as a value, and whoever opened the transaction raises it after the commit.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import TypeVar
from uuid import UUID

from app.access import Actor, Role
from app.audit import service as audit
from app.identity import by_mail, lockout, queries, rules, second_factor, sessions
from app.identity.errors import (
    AccountSuspended,
    InvalidCredentials,
    SecondFactorMissing,
    StaffOnly,
    TokenInvalid,
    TwoFactorRequired,
)
from app.identity.lockout import Counters
from app.identity.passwords import Passwords
from app.identity.queries import Person
from app.identity.rules import Registration
from app.identity.sessions import Revocation
from app.identity.tokens import AccessTokens
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import RateLimited, Refusal
from app.kit.ports import resolve

R = TypeVar("R", bound=Refusal)

SESSION_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to prove a password: who it may be, and what is known so far.

    `proven` is set by `check_password`. `new_hash` replaces a hash made at an outdated cost.
    """

    counters: Counters
    user_id: UUID | None
    password_hash: str | None
    proven: bool = False
    new_hash: str | None = None

    @property
    def subject(self) -> str:
        """Whose password it is, as the audit trail names them."""
        return ids.encode("usr", self.user_id) if self.user_id else "nobody"


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A person with fresh tokens. `expires_in` counts the access token's seconds."""

    user: Person
    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class PasswordChanged(LoggedIn):
    """The same after a new password, and how many API keys stay active."""

    api_keys_active: int


# Registering


def prepare_registration(
    *, email: str, password: str, first_name: str, last_name: str, phone: str | None = None
) -> Registration:
    """Check what a person wrote about themselves and hash their password (slow, no database).

    Raises `Invalid` naming the field.
    """
    key = rules.email_key(email)
    first_name = rules.name("firstName", first_name)
    last_name = rules.name("lastName", last_name)
    phone = rules.phone(phone)
    known = rules.known_texts(email, first_name, last_name)
    rules.check_new_password("password", password, known=known)
    return Registration(email, key, first_name, last_name, phone, resolve(Passwords).hash(password))


_ADD_PERSON = """
    INSERT INTO users
        (id, email, email_key, password_hash, first_name, last_name, phone, role, branch_id,
            created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def add_person(
    session: Session, registration: Registration, role: Role, *, branch_id: UUID | None = None
) -> UUID:
    """Add a person in a role, a teller at their branch, and answer their id. `EmailTaken` if the
    address has an account."""
    user_id = ids.new()
    session.send(
        _ADD_PERSON,
        (
            user_id,
            registration.email,
            registration.email_key,
            registration.password_hash,
            registration.first_name,
            registration.last_name,
            registration.phone,
            role,
            branch_id,
            clock.now(),
        ),
    )
    return user_id


def register(session: Session, registration: Registration) -> LoggedIn:
    """Add a customer, mail them a link that confirms their address, and log them in. `EmailTaken`
    if the address has an account."""
    user_id = add_person(session, registration, Role.USER)
    by_mail.send_confirmation(session, user_id)
    audit.record(
        session, actor=None, action="person.registered", subject=ids.encode("usr", user_id)
    )
    return _open_session(session, user_id)


# Proving a password: begin (reads), check (slow, no transaction), then one verb that concludes.


def begin_login(session: Session, *, email: str, network: str) -> Attempt:
    """An attempt to log in from `network`: whatever one sender holds of the address space, as the
    edge counts senders.

    Raises `Invalid` for what is no e-mail address and `RateLimited` after too many failures.
    """
    key = rules.email_key(email)
    row = session.row("SELECT id, password_hash FROM users WHERE email_key = %s", (key,))
    user_id, password_hash = row or (None, None)
    return _begin(session, Attempt(Counters.of(key, network), user_id, password_hash))


def begin_password_change(session: Session, actor: Actor, *, network: str) -> Attempt:
    """An attempt by someone logged in to prove that they know their password.

    Raises `RateLimited` after too many failures: a stolen access token is no way to guess it.
    """
    [(key, password_hash)] = session.rows(
        "SELECT email_key, password_hash FROM users WHERE id = %s", (actor.user_id,)
    )
    return _begin(session, Attempt(Counters.of(key, network), actor.user_id, password_hash))


def check_password(attempt: Attempt, password: str) -> Attempt:
    """The attempt with its answer (slow, no database; as slow for an unknown address)."""
    passwords = resolve(Passwords)
    proven = passwords.matches(attempt.password_hash, password)
    new_hash = None
    if proven and attempt.password_hash and passwords.is_outdated(attempt.password_hash):
        new_hash = passwords.hash(password)
    return replace(attempt, proven=proven, new_hash=new_hash)


def conclude_login(
    session: Session,
    attempt: Attempt,
    code: str | None = None,
    *,
    staff_need_second_factor: bool = True,
) -> LoggedIn | Refusal:
    """Open a login session, or record the failure and answer the refusal to raise afterwards.

    `code` is of the second factor. Staff need an authenticator app: a passkey works in browsers.
    """
    settled = settle(session, attempt, code, _OPENED)
    if isinstance(settled, Refusal):
        return settled
    if staff_need_second_factor:
        is_staff = queries.person_by_id(session, settled).role is not Role.USER
        if is_staff and not second_factor.is_on(session, settled):
            return _denied(session, attempt, _OPENED, SecondFactorMissing())
    if attempt.new_hash:
        _store_hash(session, settled, attempt.new_hash)
    _done(session, attempt, _OPENED)
    return _open_session(session, settled)


def settle_staff_password(session: Session, attempt: Attempt) -> UUID | Refusal:
    """The id of the member of staff who proved to know the password, their row locked; or record
    the failure and answer the refusal to raise afterwards. Failures are not forgiven yet."""
    settled = settle_password(session, attempt, _OPENED)
    if isinstance(settled, Refusal):
        return settled
    if queries.person_by_id(session, settled).role is Role.USER:
        return _denied(session, attempt, _OPENED, StaffOnly())
    if attempt.new_hash:
        _store_hash(session, settled, attempt.new_hash)
    return settled


def prepare_new_password(person: Person, password: str) -> str:
    """The hash of a password that `person` may take (slow, no database). Raises `Invalid`."""
    rules.check_new_password("newPassword", password, known=person.known)
    return resolve(Passwords).hash(password)


def conclude_password_change(
    session: Session, attempt: Attempt, new_hash: str, *, revoke_api_keys: bool = False
) -> PasswordChanged | Refusal:
    """Replace the password, end every session of the person and open a new one for who asks;
    or record the failure and answer the refusal to raise afterwards."""
    settled = settle_password(session, attempt, _PASSWORD_CHANGED)
    if isinstance(settled, Refusal):
        return settled
    lockout.forgive(session, attempt.counters)
    _store_hash(session, settled, new_hash)
    _done(session, attempt, _PASSWORD_CHANGED)
    sessions.revoke_all(session, settled, Revocation.PASSWORD_CHANGED)
    active = by_mail.password_changed(session, settled, revoke_api_keys=revoke_api_keys)
    opened = _open_session(session, settled)
    return PasswordChanged(
        opened.user, opened.access_token, opened.refresh_token, opened.expires_in, active
    )


def _begin(session: Session, attempt: Attempt) -> Attempt:
    if refusal := lockout.blocked(session, attempt.counters, clock.now()):
        raise refusal
    return attempt


# What a proven password was for, as the audit trail calls it.
_OPENED, _PASSWORD_CHANGED = "session.opened", "password.changed"


def settle(session: Session, attempt: Attempt, code: str | None, act: str) -> UUID | Refusal:
    """The id of the person who proved to be it by password and second factor, their row locked; or
    the refusal of `act`, recorded, to raise after the commit.

    Failures are forgiven only when all was proven: a right password alone washes off no guesses at
    the second factor.
    """
    settled = settle_password(session, attempt, act)
    if isinstance(settled, Refusal):
        return settled
    if second_factor.is_on(session, settled):
        if code is None:
            return TwoFactorRequired()
        if refusal := second_factor.judge(session, settled, code, attempt.counters):
            # Attempts that were not even judged are counted, and recorded no further.
            limited = isinstance(refusal, RateLimited)
            return refusal if limited else _denied(session, attempt, act, refusal)
    lockout.forgive(session, attempt.counters)
    return settled


def settle_password(session: Session, attempt: Attempt, act: str) -> UUID | Refusal:
    """The id of the person who proved to know the password, their row locked; or the refusal."""
    now = clock.now()
    if not attempt.proven or attempt.user_id is None:
        # Of an address that nobody has, too: the answer would come sooner without.
        refusal = lockout.count_failure(session, attempt.counters, now, subject=attempt.subject)
        return refusal or _denied(session, attempt, act, InvalidCredentials())
    # The password may have been changed while it was being checked: what counts is this row now.
    row = session.row(
        "SELECT status FROM users WHERE id = %s AND password_hash = %s FOR NO KEY UPDATE",
        (attempt.user_id, attempt.password_hash),
    )
    if refusal := lockout.hold(session, attempt.counters, now):
        return refusal
    if row is None:
        return _denied(session, attempt, act, InvalidCredentials())
    if row[0] != "active":
        return _denied(session, attempt, act, AccountSuspended())
    return attempt.user_id


def _denied(session: Session, attempt: Attempt, act: str, refusal: R) -> R:
    """Record what the attempt was refused, and answer the refusal."""
    audit.record(
        session,
        actor=None,
        action=act,
        subject=attempt.subject,
        after={"network": attempt.counters.network_name, "refusal": refusal.code},
        outcome="denied",
    )
    return refusal


def _done(session: Session, attempt: Attempt, act: str) -> None:
    """Record what a person did who proved to know their password."""
    assert attempt.user_id is not None
    person = queries.person_by_id(session, attempt.user_id)
    audit.record(
        session,
        actor=Actor(person.id, None, person.email, person.role, frozenset()),
        action=act,
        subject=attempt.subject,
        after={"network": attempt.counters.network_name},
    )


def _store_hash(session: Session, user_id: UUID, password_hash: str) -> None:
    session.send("UPDATE users SET password_hash = %s WHERE id = %s", (password_hash, user_id))


# Sessions and their tokens

_TAKE = """
    SELECT t.session_id, t.used_at, s.user_id, s.expires_at
    FROM refresh_tokens t
    JOIN login_sessions s ON s.id = t.session_id
    JOIN users u ON u.id = s.user_id
    WHERE t.token_hash = %s AND s.revoked_at IS NULL AND s.expires_at > %s AND u.status = 'active'
    FOR UPDATE OF t
"""


def refresh(session: Session, refresh_token: str) -> LoggedIn | Refusal:
    """Exchange a refresh token for new tokens. Each one works once.

    A token that comes a second time is in two hands, one of them a thief's: the whole session is
    revoked, the tokens that the first exchange gave included. That is so too for two exchanges
    at the same moment: one wins and the other ends the session. The refusal is answered, to be
    raised after the commit.
    """
    now = clock.now()
    token_hash = _hash(refresh_token)
    row = session.row(_TAKE, (token_hash, now))
    if row is None:
        return TokenInvalid()
    session_id, used_at, user_id, expires_at = row
    if used_at is not None:
        sessions.revoke(session, session_id, Revocation.TOKEN_REUSED)
        audit.record(
            session,
            actor=None,
            action="token.reused",
            subject=ids.encode("usr", user_id),
            after={"session": ids.encode("ses", session_id), "revoked": "all its tokens"},
            outcome="denied",
        )
        return TokenInvalid()
    session.send("UPDATE refresh_tokens SET used_at = %s WHERE token_hash = %s", (now, token_hash))
    return _issue(session, user_id, session_id, expires_at)


def log_out(session: Session, actor: Actor) -> None:
    """End the session that the actor uses, at once. Doing it again changes nothing."""
    if actor.session_id is not None:
        sessions.revoke(session, actor.session_id, Revocation.LOGGED_OUT)
        audit.record(
            session,
            actor=actor,
            action="session.closed",
            subject=ids.encode("ses", actor.session_id),
        )


def _open_session(session: Session, user_id: UUID) -> LoggedIn:
    session_id = ids.new()
    now = clock.now()
    expires_at = now + SESSION_LIFETIME
    session.send(
        "INSERT INTO login_sessions (id, user_id, created_at, expires_at) VALUES (%s, %s, %s, %s)",
        (session_id, user_id, now, expires_at),
    )
    return _issue(session, user_id, session_id, expires_at)


def _issue(session: Session, user_id: UUID, session_id: UUID, expires_at: datetime) -> LoggedIn:
    refresh_token = token_urlsafe(32)
    session.send(
        "INSERT INTO refresh_tokens (token_hash, session_id, issued_at) VALUES (%s, %s, %s)",
        (_hash(refresh_token), session_id, clock.now()),
    )
    access_token, expires_in = resolve(AccessTokens).issue(
        user_id=user_id, session_id=session_id, session_expires_at=expires_at
    )
    person = queries.person_by_id(session, user_id)
    return LoggedIn(person, access_token, refresh_token, expires_in)


def _hash(refresh_token: str) -> bytes:
    return sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
