"""Prove identity again before a sensitive act. A proof at a browser returns its new secret."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import queries as account_queries
from app.identity.credentials import passkeys, second_factor
from app.identity.errors import (
    PasskeyRefused,
    TokenInvalid,
    TwoFactorAlreadyOn,
    TwoFactorInvalid,
)
from app.identity.models import LoginSession
from app.identity.sign_in import (
    lockout,
    password_proof,
    pending_sign_in,
    staff_sessions,
    staff_sign_in,
)
from app.identity.sign_in.lockout import FailureCounters
from app.identity.sign_in.password_proof import PasswordAttempt
from app.identity.sign_in.sessions import Device
from app.kit import clock, ids
from app.kit.db import Session

_LOCK = "SELECT status, role FROM users WHERE id = %s FOR NO KEY UPDATE"


def reauthenticate_program(
    session: Session,
    actor: Actor,
    attempt: PasswordAttempt,
    code: str | None,
    *,
    staff_need_second_factor: bool,
) -> None:
    """Prove identity with the password, and with the second factor if it is on, in the session of
    an access token.

    Raises as `password_proof.conclude_password_and_code`, and `TokenInvalid` when the session has
    ended.
    """
    password_proof.conclude_password_and_code(
        session,
        attempt,
        code,
        AuditAction.SESSION_PROVEN,
        staff_need_second_factor=staff_need_second_factor,
    )
    proven = session.select(
        lambda session_id: session_id,
        sa.update(LoginSession)
        .values(proven_at=clock.now())
        .where(LoginSession.id == actor.session_id, LoginSession.revoked_at.is_(None))
        .returning(LoginSession.id.label("session_id")),
    )
    if not proven:
        raise TokenInvalid
    _record_proof(session, actor, "password" if code is None else "password and code")


def reauthenticate_by_code(session: Session, actor: Actor, code: str, device: Device) -> str:
    """Prove identity with a code of the authenticator app or a recovery code.

    Raises `TwoFactorInvalid`, which is counted and recorded, `RateLimited`, and `TokenInvalid` when
    the session has ended.
    """
    session.row(_LOCK, (actor.user_id,))
    counters = FailureCounters.for_attempt(
        account_queries.get_email_key(session, actor.user_id), device.network
    )
    try:
        second_factor.verify_code(session, actor.user_id, code, counters)
    except TwoFactorInvalid as refusal:
        staff_sign_in.record_denied(
            session, actor.user_id, AuditAction.SESSION_PROVEN, device, refusal
        )
        raise
    return _renew_secret(session, actor, "code")


def reauthenticate_by_password(session: Session, actor: Actor, attempt: PasswordAttempt) -> str:
    """Prove identity with the password.

    Raises as `password_proof.conclude_staff_password`, `TwoFactorAlreadyOn` for people who have a
    second factor, and `TokenInvalid` when the session has ended.
    """
    user_id = password_proof.conclude_staff_password(session, attempt)
    if second_factor.is_on(session, user_id) or pending_sign_in.has_passkey(session, user_id):
        raise TwoFactorAlreadyOn
    lockout.reset_failures(session, attempt.counters)
    return _renew_secret(session, actor, "password")


def reauthenticate_by_passkey(session: Session, actor: Actor, proof: passkeys.PasskeyProof) -> str:
    """Prove identity with one of the person's own passkeys.

    Raises `PasskeyRefused`, and `TokenInvalid` when the session has ended.
    """
    if proof.user_id != actor.user_id:
        raise PasskeyRefused
    session.row(_LOCK, (actor.user_id,))
    passkeys.record_use(session, proof)
    return _renew_secret(session, actor, "passkey")


def _renew_secret(session: Session, actor: Actor, factor: str) -> str:
    secret = staff_sessions.renew_secret(session, actor)
    if secret is None:
        raise TokenInvalid
    _record_proof(session, actor, factor)
    return secret


def _record_proof(session: Session, actor: Actor, factor: str) -> None:
    audit.record(
        session,
        actor=actor,
        action=AuditAction.SESSION_PROVEN,
        subject=_subject(actor.user_id),
        after={"by": factor},
    )


def _subject(user_id: UUID) -> str:
    return ids.encode("usr", user_id)
