"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

A code works once: the time step of the last accepted code is stored, and codes up to it are not
accepted again. A code that was used is no guess and does not count as a failure. A clock may be one
step off either way. Recovery codes have 120 random bits, so that
a hash does not reveal them; each works once.
"""

import hmac
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID, uuid5

import pyotp
import segno

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.credentials import rules, security_mail
from app.identity.errors import (
    TwoFactorAlreadyOn,
    TwoFactorInvalid,
    TwoFactorNotSetUp,
    TwoFactorUsed,
)
from app.identity.sign_in import lockout, sessions
from app.identity.sign_in.lockout import FailureCounters
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.notifications import service as notifications
from app.notifications.account_kinds import (
    CredentialChange,
    RecoveryCodesRenewed,
    SecondFactorOff,
    SecondFactorOn,
    WrongCodes,
)

ISSUER = "PBCEx"
STEP_SECONDS = 30
STEPS_OFF_MAX = 1
DIGITS = 6
RECOVERY_CODES = 10
#: After how many wrong codes within a day the owner of the password receives an email.
FAILURES_TOLD = 3
_RECOVERY_BYTES = 15
_GROUP = 6

_LOCK_PERSON = "SELECT email_key FROM users WHERE id = %s FOR NO KEY UPDATE"
_SET_UP = """
INSERT INTO totp_credentials AS known (user_id, secret, created_at) VALUES (%s, %s, %s)
ON CONFLICT (user_id) DO UPDATE
SET secret = excluded.secret, created_at = excluded.created_at, last_step = NULL
WHERE known.confirmed_at IS NULL
RETURNING user_id
"""
_FIND = """
SELECT secret FROM totp_credentials
WHERE user_id = %s AND (confirmed_at IS NOT NULL) = %s
"""
_IS_ON = "SELECT FROM totp_credentials WHERE user_id = %s AND confirmed_at IS NOT NULL"
# Of two concurrent uses of one code, the second finds the step used.
_CONSUME_STEP = """
UPDATE totp_credentials SET last_step = %(step)s
WHERE user_id = %(user)s AND (last_step IS NULL OR last_step < %(step)s)
RETURNING user_id
"""
_SWITCH_ON = "UPDATE totp_credentials SET confirmed_at = %s WHERE user_id = %s"
_ADD_RECOVERY = "INSERT INTO recovery_codes (user_id, code_hash) VALUES (%s, %s)"
_USE_RECOVERY = """
UPDATE recovery_codes SET used_at = %s WHERE user_id = %s AND code_hash = %s AND used_at IS NULL
RETURNING user_id
"""
_WAS_USED = "SELECT FROM recovery_codes WHERE user_id = %s AND code_hash = %s"
_DELETE_RECOVERY = "DELETE FROM recovery_codes WHERE user_id = %s"
_COUNT_UNUSED = "SELECT count(*) FROM recovery_codes WHERE user_id = %s AND used_at IS NULL"
_SWITCH_OFF = "DELETE FROM totp_credentials WHERE user_id = %s"


class _Outcome(Enum):
    """What a code turned out to be."""

    ACCEPTED = auto()
    USED = auto()
    WRONG = auto()


@dataclass(frozen=True, slots=True)
class SecondFactorSetup:
    """The secret for an authenticator app, shown once."""

    secret: str
    otpauth_uri: str

    @property
    def qr_svg(self) -> str:
        """The QR code of the URI as an inline SVG."""
        return str(self._qr.svg_inline(scale=4))

    @property
    def qr_image(self) -> str:
        """The QR code of the URI as a data URI."""
        return str(self._qr.svg_data_uri(scale=4))

    @property
    def _qr(self) -> segno.QRCode:
        return segno.make(self.otpauth_uri, error="m")


def start_setup(session: Session, actor: Actor) -> SecondFactorSetup:
    """Create a secret, which is not required until a code confirms it.

    Replaces an unconfirmed one. Raises `TwoFactorAlreadyOn`.
    """
    secret = pyotp.random_base32()
    sealed = keys.seal(secret, table="totp_credentials", column="secret", key=actor.user_id)
    if session.row(_SET_UP, (actor.user_id, sealed, clock.now())) is None:
        raise TwoFactorAlreadyOn
    return _to_setup(actor, secret)


def find_pending_setup(session: Session, actor: Actor) -> SecondFactorSetup | None:
    """Return the unconfirmed setup, to show it again; None without one."""
    sealed = session.optional_value(_FIND, (actor.user_id, False))
    if sealed is None:
        return None
    secret = keys.open_sealed(
        sealed, table="totp_credentials", column="secret", key=actor.user_id
    ).decode()
    return _to_setup(actor, secret)


def count_recovery_codes(session: Session, actor: Actor) -> int:
    """Return the number of the person's unused recovery codes."""
    count = session.value(_COUNT_UNUSED, (actor.user_id,))
    return int(count)


def is_on(session: Session, user_id: UUID) -> bool:
    """Return whether the person needs a code to sign in."""
    return session.row(_IS_ON, (user_id,)) is not None


def confirm_setup(session: Session, actor: Actor, code: str, *, network: str) -> list[str]:
    """Turn the second factor on with a code, and end the actor's other sessions, which were opened
    without one. Returns the recovery codes, which are shown once.

    Raises `TwoFactorNotSetUp`, `TwoFactorAlreadyOn`, and as `verify_code` does.
    """
    counters = _lock(session, actor.user_id, network)
    if is_on(session, actor.user_id):
        raise TwoFactorAlreadyOn
    if session.row(_FIND, (actor.user_id, False)) is None:
        raise TwoFactorNotSetUp
    verify_code(session, actor.user_id, code, counters, confirmed=False)
    session.send(_SWITCH_ON, (clock.now(), actor.user_id))
    codes = _add_recovery_codes(session, actor.user_id)
    sessions.end_unprotected(session, actor)
    _report_change(
        session, actor, AuditAction.SECOND_FACTOR_SWITCHED_ON, SecondFactorOn(clock.now())
    )
    return codes


def renew_recovery_codes(session: Session, actor: Actor, code: str, *, network: str) -> list[str]:
    """Replace the recovery codes, with a code of either kind. Returns the new codes, shown once.

    Raises `TwoFactorNotSetUp`, and as `verify_code` does.
    """
    counters = _lock(session, actor.user_id, network)
    if not is_on(session, actor.user_id):
        raise TwoFactorNotSetUp
    verify_code(session, actor.user_id, code, counters)
    session.send(_DELETE_RECOVERY, (actor.user_id,))
    codes = _add_recovery_codes(session, actor.user_id)
    _report_change(
        session, actor, AuditAction.RECOVERY_CODES_RENEWED, RecoveryCodesRenewed(clock.now())
    )
    return codes


def switch_off(session: Session, actor: Actor, code: str, *, network: str) -> None:
    """Turn the second factor off and delete its recovery codes, with a code of either kind.

    Raises `TwoFactorNotSetUp`, and as `verify_code` does.
    """
    counters = _lock(session, actor.user_id, network)
    if not is_on(session, actor.user_id):
        raise TwoFactorNotSetUp
    verify_code(session, actor.user_id, code, counters)
    session.send(_SWITCH_OFF, (actor.user_id,))
    _report_change(
        session, actor, AuditAction.SECOND_FACTOR_SWITCHED_OFF, SecondFactorOff(clock.now())
    )


def verify_code(
    session: Session, user_id: UUID, code: str, counters: FailureCounters, *, confirmed: bool = True
) -> None:
    """Use up the code.

    Call with the person's row locked, so that concurrent codes are checked in turn. Failures from
    every network count for the person: only a caller who proved the password gets this far, so
    strangers cannot lock a person out, and the person receives an email about repeated failures,
    at most one a day. Raises `TwoFactorInvalid` and `RateLimited`, which keep the count, and
    `TwoFactorUsed`, which is not counted.
    """
    now, counters = clock.now(), counters.including_second_factor(user_id)
    lockout.lock_counters(session, counters, now)
    outcome = _consume_code(session, user_id, code, confirmed=confirmed)
    if outcome is _Outcome.USED:
        raise TwoFactorUsed().keeping_records()
    if outcome is _Outcome.WRONG:
        subject = ids.encode("usr", user_id)
        counted = lockout.count_failure(session, counters, now, subject=subject)
        if confirmed and counted.get(lockout.second_factor_key(user_id)) == FAILURES_TOLD:
            _report_failures(session, user_id, now)
        raise TwoFactorInvalid().keeping_records()
    lockout.reset_failures(session, counters)


def _report_failures(session: Session, user_id: UUID, now: datetime) -> None:
    """Email the person that wrong codes followed their right password."""
    event = ids.encode("evt", uuid5(user_id, f"wrong codes on {now.date()}"))
    notifications.notify(session, WrongCodes(now), to=user_id, event=event)


def _report_change(
    session: Session, actor: Actor, action: AuditAction, change: CredentialChange
) -> None:
    audit.record(session, actor=actor, action=action, subject=ids.encode("usr", actor.user_id))
    security_mail.mail_change_notice(session, actor.user_id, change)


def _to_setup(actor: Actor, secret: str) -> SecondFactorSetup:
    uri = pyotp.TOTP(secret).provisioning_uri(name=actor.email, issuer_name=ISSUER)
    return SecondFactorSetup(secret, uri)


def _lock(session: Session, user_id: UUID, network: str) -> FailureCounters:
    return FailureCounters.for_attempt(session.value(_LOCK_PERSON, (user_id,)), network)


def _consume_code(session: Session, user_id: UUID, code: str, *, confirmed: bool) -> _Outcome:
    normalized = rules.normalize_code(code)
    if not normalized.isascii():
        return _Outcome.WRONG
    if len(normalized) == DIGITS:
        sealed = session.optional_value(_FIND, (user_id, confirmed))
        if sealed is None:
            return _Outcome.WRONG
        return _consume_step(session, user_id, sealed, normalized)
    if not confirmed:
        return _Outcome.WRONG
    values = (user_id, _hash_recovery_code(user_id, normalized))
    if session.row(_USE_RECOVERY, (clock.now(), *values)) is not None:
        return _Outcome.ACCEPTED
    return _Outcome.USED if session.row(_WAS_USED, values) is not None else _Outcome.WRONG


def _consume_step(session: Session, user_id: UUID, sealed: bytes, code: str) -> _Outcome:
    secret = keys.open_sealed(sealed, table="totp_credentials", column="secret", key=user_id)
    totp = pyotp.TOTP(secret.decode(), digits=DIGITS, interval=STEP_SECONDS)
    current_step = int(clock.now().timestamp()) // STEP_SECONDS
    for step in range(current_step - STEPS_OFF_MAX, current_step + STEPS_OFF_MAX + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS), code):
            is_new = session.row(_CONSUME_STEP, {"step": step, "user": user_id}) is not None
            return _Outcome.ACCEPTED if is_new else _Outcome.USED
    return _Outcome.WRONG


def _add_recovery_codes(session: Session, user_id: UUID) -> list[str]:
    codes = [_make_recovery_code() for _ in range(RECOVERY_CODES)]
    for code in codes:
        session.send(_ADD_RECOVERY, (user_id, _hash_recovery_code(user_id, code)))
    return codes


def _make_recovery_code() -> str:
    text = b32encode(token_bytes(_RECOVERY_BYTES)).decode()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def _hash_recovery_code(user_id: UUID, code: str) -> bytes:
    return sha256(user_id.bytes + code.replace("-", "").encode()).digest()
