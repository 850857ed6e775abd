"""Prove a password in three steps: begin (reads), check (slow, no transaction), conclude.

A failed proof is recorded, and refused by a refusal that keeps the records.
"""

from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from app.access import Actor, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.identity.accounts import queries as account_queries
from app.identity.accounts.rules import AccountStatus
from app.identity.credentials import second_factor
from app.identity.credentials.passwords import PasswordHashing
from app.identity.errors import (
    AccountSuspended,
    InvalidCredentials,
    SecondFactorMissing,
    StaffOnly,
    TwoFactorInvalid,
    TwoFactorRequired,
)
from app.identity.sign_in import lockout
from app.identity.sign_in.lockout import FailureCounters
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Refusal
from app.kit.ports import resolve

R = TypeVar("R", bound=Refusal)


@dataclass(frozen=True, slots=True)
class PasswordAttempt:
    """An attempt to prove a password, and its result so far.

    `proven` is set by `check_password`. `new_hash` replaces a hash made at an outdated cost.
    """

    counters: FailureCounters
    user_id: UUID | None
    password_hash: str | None
    proven: bool = False
    new_hash: str | None = None

    @property
    def subject(self) -> str:
        """The public id of the password's owner, as the audit trail names them."""
        return ids.encode("usr", self.user_id) if self.user_id else "nobody"


def begin_own_attempt(session: Session, actor: Actor, *, network: str) -> PasswordAttempt:
    """Begin a signed-in person's attempt to prove their password.

    Raises `RateLimited` after too many failures, so that a stolen access token cannot guess it.
    """
    [(key, password_hash)] = session.rows(
        "SELECT email_key, password_hash FROM users WHERE id = %s", (actor.user_id,)
    )
    counters = FailureCounters.for_attempt(key, network)
    return begin_attempt(session, PasswordAttempt(counters, actor.user_id, password_hash))


def check_password(attempt: PasswordAttempt, password: str) -> PasswordAttempt:
    """Return the attempt with its result (slow, no database; as slow for an unknown address)."""
    passwords = resolve(PasswordHashing)
    proven = passwords.matches(attempt.password_hash, password)
    new_hash = None
    if proven and attempt.password_hash and passwords.is_outdated(attempt.password_hash):
        new_hash = passwords.hash(password)
    return replace(attempt, proven=proven, new_hash=new_hash)


def conclude_staff_password(session: Session, attempt: PasswordAttempt) -> UUID:
    """Return the id of the member of staff who proved the password, their row locked. Does not
    reset failures yet.

    Raises as `conclude_password`, and `StaffOnly`, which is recorded too.
    """
    user_id = conclude_password(session, attempt, AuditAction.SESSION_OPENED)
    if not _is_staff(session, user_id):
        raise record_denied(session, attempt, AuditAction.SESSION_OPENED, StaffOnly())
    if attempt.new_hash:
        store_hash(session, user_id, attempt.new_hash)
    return user_id


def begin_attempt(session: Session, attempt: PasswordAttempt) -> PasswordAttempt:
    """Return the attempt. Raises `RateLimited` after too many failures."""
    lockout.require_unblocked(session, attempt.counters, clock.now())
    return attempt


def conclude_password_and_code(
    session: Session,
    attempt: PasswordAttempt,
    code: str | None,
    act: AuditAction,
    *,
    staff_need_second_factor: bool,
) -> UUID:
    """Return the id of the person who proved password and second factor, their row locked.

    Staff need an authenticator app: passkeys need a browser. Resets failures only after the whole
    proof: a right password alone does not erase guesses at the second factor. Raises as
    `conclude_password`, `TwoFactorRequired`, `TwoFactorInvalid`, which is counted and recorded, and
    `SecondFactorMissing`, which is recorded.
    """
    user_id = conclude_password(session, attempt, act)
    if second_factor.is_on(session, user_id):
        if code is None:
            raise TwoFactorRequired
        try:
            second_factor.verify_code(session, user_id, code, attempt.counters)
        except TwoFactorInvalid as refusal:
            record_denied(session, attempt, act, refusal)
            raise
    elif staff_need_second_factor and _is_staff(session, user_id):
        raise record_denied(session, attempt, act, SecondFactorMissing())
    lockout.reset_failures(session, attempt.counters)
    return user_id


def conclude_password(session: Session, attempt: PasswordAttempt, act: AuditAction) -> UUID:
    """Return the id of the person who proved the password, their row locked.

    Raises `InvalidCredentials` and `AccountSuspended`, which are recorded as denied attempts of
    `act`, and `RateLimited`, which is not judged and not recorded.
    """
    now = clock.now()
    if not attempt.proven or attempt.user_id is None:
        # Also for an unknown email address: otherwise the response would be faster.
        lockout.count_failure(session, attempt.counters, now, subject=attempt.subject)
        raise record_denied(session, attempt, act, InvalidCredentials())
    # The password may have changed while it was checked: the present row decides.
    status = session.optional_value(
        "SELECT status FROM users WHERE id = %s AND password_hash = %s FOR NO KEY UPDATE",
        (attempt.user_id, attempt.password_hash),
    )
    lockout.lock_counters(session, attempt.counters, now)
    if status is None:
        raise record_denied(session, attempt, act, InvalidCredentials())
    if status != AccountStatus.ACTIVE:
        raise record_denied(session, attempt, act, AccountSuspended())
    return attempt.user_id


def _is_staff(session: Session, user_id: UUID) -> bool:
    return account_queries.get_person(session, user_id).role is not Role.USER


def record_denied(session: Session, attempt: PasswordAttempt, act: AuditAction, refusal: R) -> R:
    """Record the refused attempt, and return the refusal, which keeps the record."""
    audit.record(
        session,
        actor=None,
        action=act,
        subject=attempt.subject,
        after={"network": attempt.counters.network_name, "refusal": refusal.code},
        outcome=AuditOutcome.DENIED,
    )
    return refusal.keeping_records()


def record_success(session: Session, attempt: PasswordAttempt, act: AuditAction) -> None:
    """Record the act of a person who proved their password."""
    assert attempt.user_id is not None
    person = account_queries.get_person(session, attempt.user_id)
    audit.record(
        session,
        actor=Actor(person.id, None, person.email, person.role, frozenset()),
        action=act,
        subject=attempt.subject,
        after={"network": attempt.counters.network_name},
    )


def store_hash(session: Session, user_id: UUID, password_hash: str) -> None:
    """Store the person's password hash."""
    session.send("UPDATE users SET password_hash = %s WHERE id = %s", (password_hash, user_id))
