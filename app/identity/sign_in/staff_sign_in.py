"""Sign staff in at a browser, in steps: the password, then the second factor; or a passkey alone.

Staff without a second factor set one up before they are signed in, unless the configuration does
not require one (the sample profile). A refusal keeps its counted failure and its record.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from app.access import Actor, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.identity.accounts import queries as account_queries
from app.identity.accounts.rules import AccountStatus
from app.identity.credentials import passkeys, second_factor
from app.identity.errors import (
    AccountSuspended,
    SignInExpired,
    StaffOnly,
    TwoFactorInvalid,
)
from app.identity.sign_in import lockout, password_proof, pending_sign_in, staff_sessions
from app.identity.sign_in.lockout import FailureCounters
from app.identity.sign_in.password_proof import PasswordAttempt
from app.identity.sign_in.pending_sign_in import PendingSignIn
from app.identity.sign_in.sessions import Device
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Refusal

_LOCK = "SELECT status, role FROM users WHERE id = %s FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class CompletedSignIn:
    """The sign-in is complete. `secret` is the browser's secret from now on."""

    secret: str
    #: Shown once, after the setup of an authenticator app.
    recovery_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AwaitingSecondFactor:
    """The password was right. `secret` is the browser's secret for the second step."""

    secret: str


def submit_password(
    session: Session,
    attempt: PasswordAttempt,
    device: Device,
    *,
    second_factor_required: bool,
    replaces: str | None,
) -> CompletedSignIn | AwaitingSecondFactor:
    """Conclude the first step. Ends the browser's previous session.

    Raises as `password_proof.conclude_staff_password`.
    """
    user_id = password_proof.conclude_staff_password(session, attempt)
    has_one = second_factor.is_on(session, user_id) or pending_sign_in.has_passkey(session, user_id)
    if has_one or second_factor_required:
        staff_sessions.end_session(session, replaces)
        return AwaitingSecondFactor(pending_sign_in.start_pending(session, user_id))
    lockout.reset_failures(session, attempt.counters)
    return _complete_sign_in(session, user_id, device, "password", replaces=replaces)


def submit_code(
    session: Session, pending_secret: str | None, code: str, device: Device
) -> CompletedSignIn:
    """Conclude the second step with a code of the authenticator app or a recovery code.

    Raises `SignInExpired`, `RateLimited`, and `TwoFactorInvalid`, which is counted and recorded.
    """
    person = pending_sign_in.lock_pending(session, pending_secret)
    if person is None or pending_secret is None or not person.has_app:
        raise SignInExpired
    counters = FailureCounters.for_attempt(person.email_key, device.network)
    try:
        second_factor.verify_code(session, person.user_id, code, counters)
    except TwoFactorInvalid as refusal:
        record_denied(session, person.user_id, AuditAction.SESSION_OPENED, device, refusal)
        raise
    pending_sign_in.end_pending(session, pending_secret)
    return _complete_sign_in(session, person.user_id, device, "code")


def submit_passkey(
    session: Session,
    proof: passkeys.PasskeyProof,
    device: Device,
    *,
    replaces: str | None,
    pending_secret: str | None,
) -> CompletedSignIn:
    """Sign in with a passkey alone.

    Raises `AccountSuspended` and `StaffOnly`, which are recorded.
    """
    [(status, role)] = session.rows(_LOCK, (proof.user_id,))
    refusal = AccountSuspended() if status != AccountStatus.ACTIVE else StaffOnly()
    if status != AccountStatus.ACTIVE or role == Role.USER:
        record_denied(session, proof.user_id, AuditAction.SESSION_OPENED, device, refusal)
        raise refusal.keeping_records()
    passkeys.record_use(session, proof)
    if pending_secret is not None:
        pending_sign_in.end_pending(session, pending_secret)
    return _complete_sign_in(session, proof.user_id, device, "passkey", replaces=replaces)


# Setting up the first second factor


def lock_enrolment(session: Session, pending_secret: str | None) -> PendingSignIn:
    """Return the pending sign-in that must set up a second factor. Raises `SignInExpired`."""
    person = pending_sign_in.lock_pending(session, pending_secret)
    if person is None or not person.needs_second_factor:
        raise SignInExpired
    return person


def enrol_app(
    session: Session, pending_secret: str | None, code: str, device: Device
) -> CompletedSignIn:
    """Confirm the authenticator app with a code and complete the sign-in.

    Raises `SignInExpired`, and as `second_factor.confirm_setup` does.
    """
    person = lock_enrolment(session, pending_secret)
    codes = second_factor.confirm_setup(session, person.actor, code, network=device.network)
    pending_sign_in.end_pending(session, pending_secret or "")
    return replace(
        _complete_sign_in(session, person.user_id, device, "code"), recovery_codes=tuple(codes)
    )


def enrol_passkey(
    session: Session,
    pending_secret: str | None,
    new: passkeys.NewPasskey,
    name: str,
    device: Device,
) -> CompletedSignIn:
    """Register the first passkey and complete the sign-in.

    Raises `SignInExpired`, and as `passkeys.add_passkey` does.
    """
    person = lock_enrolment(session, pending_secret)
    passkeys.add_passkey(session, person.actor, new, name)
    pending_sign_in.end_pending(session, pending_secret or "")
    return _complete_sign_in(session, person.user_id, device, "passkey")


def _complete_sign_in(
    session: Session, user_id: UUID, device: Device, factor: str, *, replaces: str | None = None
) -> CompletedSignIn:
    secret = staff_sessions.open_session(session, user_id, device, replaces=replaces)
    person = account_queries.get_person(session, user_id)
    audit.record(
        session,
        actor=Actor(person.id, None, person.email, person.role, frozenset()),
        action=AuditAction.SESSION_OPENED,
        subject=_subject(user_id),
        after={"network": device.network, "by": factor},
    )
    return CompletedSignIn(secret)


def record_denied(
    session: Session, user_id: UUID, action: AuditAction, device: Device, refusal: Refusal
) -> None:
    """Record a refused attempt. One that a rate limit refused unjudged is not recorded."""
    audit.record(
        session,
        actor=None,
        action=action,
        subject=_subject(user_id),
        after={"network": device.network, "refusal": refusal.code},
        outcome=AuditOutcome.DENIED,
    )


def _subject(user_id: UUID) -> str:
    return ids.encode("usr", user_id)
