"""Signing in at a browser, in steps: the password, then the second factor; or a passkey alone.

Staff without a second factor are led to set one up before they are in, unless the house does not
ask for one (the sample profile). As in service.py, a failure that is counted is answered as a
value, and whoever opened the transaction goes on after the commit.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from app.access import Actor, Role
from app.audit import service as audit
from app.identity import (
    half_done,
    lockout,
    passkeys,
    queries,
    second_factor,
    service,
    staff_sessions,
)
from app.identity.errors import (
    AccountSuspended,
    LastSecondFactor,
    PasskeyRefused,
    SignInOver,
    StaffOnly,
    TokenInvalid,
    TwoFactorOn,
)
from app.identity.half_done import HalfDone
from app.identity.lockout import Counters
from app.identity.service import Attempt
from app.identity.staff_sessions import Device
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import RateLimited, Refusal

_LOCK = "SELECT status, role FROM users WHERE id = %s FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody is in: the browser's secret from now on."""

    secret: str
    #: Told once, to somebody who has just set up an authenticator app.
    recovery_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """The password was right: the browser's secret for the second step."""

    secret: str


def give_password(
    session: Session,
    attempt: Attempt,
    device: Device,
    *,
    second_factor_required: bool,
    replaces: str | None,
) -> SignedIn | Waiting | Refusal:
    """The first step. The session that the browser had until now ends."""
    settled = service.settle_staff_password(session, attempt)
    if isinstance(settled, Refusal):
        return settled
    has_one = second_factor.is_on(session, settled) or half_done.has_passkey(session, settled)
    if has_one or second_factor_required:
        staff_sessions.end(session, replaces)
        return Waiting(half_done.start(session, settled))
    lockout.forgive(session, attempt.counters)
    return _begun(session, settled, device, "password", replaces=replaces)


def give_code(
    session: Session, waiting: str | None, code: str, device: Device
) -> SignedIn | Refusal:
    """The second step, by a code of the authenticator app or a recovery code."""
    person = half_done.take(session, waiting)
    if person is None or waiting is None or not person.has_app:
        return SignInOver()
    counters = Counters.of(person.email_key, device.network)
    if refusal := second_factor.judge(session, person.user_id, code, counters):
        _denied(session, person.user_id, _OPENED, device, refusal)
        return refusal
    half_done.end(session, waiting)
    return _begun(session, person.user_id, device, "code")


def give_passkey(
    session: Session,
    proof: passkeys.Proof,
    device: Device,
    *,
    replaces: str | None,
    waiting: str | None,
) -> SignedIn | Refusal:
    """The only step, by a passkey of whoever it belongs to. Raises `PasskeyRefused`."""
    row = session.row(_LOCK, (proof.user_id,))
    assert row is not None, "a passkey is somebody's"
    refusal = AccountSuspended() if row[0] != "active" else StaffOnly()
    if row[0] != "active" or row[1] == Role.USER:
        _denied(session, proof.user_id, _OPENED, device, refusal)
        return refusal
    passkeys.use(session, proof)
    if waiting is not None:
        half_done.end(session, waiting)
    return _begun(session, proof.user_id, device, "passkey", replaces=replaces)


# Setting up the first second factor


def enrolling(session: Session, waiting: str | None) -> HalfDone:
    """Who is to set up a second factor before they are in. Raises `SignInOver`."""
    person = half_done.take(session, waiting)
    if person is None or not person.must_enrol:
        raise SignInOver
    return person


def enrol_app(
    session: Session, waiting: str | None, code: str, device: Device
) -> SignedIn | Refusal:
    """Confirm the authenticator app by a code, and be in. Raises `SignInOver` and
    `TwoFactorNotSetUp`."""
    person = enrolling(session, waiting)
    codes = second_factor.confirm(session, person.actor, code, network=device.network)
    if isinstance(codes, Refusal):
        return codes
    half_done.end(session, waiting or "")
    return replace(_begun(session, person.user_id, device, "code"), recovery_codes=tuple(codes))


def enrol_passkey(
    session: Session, waiting: str | None, new: passkeys.New, name: str, device: Device
) -> SignedIn:
    """Register the first passkey, and be in. Raises `SignInOver` and as `passkeys.add` does."""
    person = enrolling(session, waiting)
    passkeys.add(session, person.actor, new, name)
    half_done.end(session, waiting or "")
    return _begun(session, person.user_id, device, "passkey")


# Proving it again before a sensitive act; each answers the browser's new secret


def prove_by_code(session: Session, actor: Actor, code: str, device: Device) -> str | Refusal:
    """By a code of the authenticator app or a recovery code."""
    session.row(_LOCK, (actor.user_id,))
    counters = Counters.of(queries.email_key_of(session, actor.user_id), device.network)
    if refusal := second_factor.judge(session, actor.user_id, code, counters):
        _denied(session, actor.user_id, _PROVEN, device, refusal)
        return refusal
    return _renewed(session, actor, "code")


def prove_by_password(session: Session, actor: Actor, attempt: Attempt) -> str | Refusal:
    """By the password: enough only for those who have no second factor."""
    settled = service.settle_staff_password(session, attempt)
    if isinstance(settled, Refusal):
        return settled
    if second_factor.is_on(session, settled) or half_done.has_passkey(session, settled):
        return TwoFactorOn()
    lockout.forgive(session, attempt.counters)
    return _renewed(session, actor, "password")


def prove_by_passkey(session: Session, actor: Actor, proof: passkeys.Proof) -> str | Refusal:
    """By one of the person's own passkeys. Raises `PasskeyRefused`."""
    if proof.user_id != actor.user_id:
        raise PasskeyRefused
    session.row(_LOCK, (actor.user_id,))
    passkeys.use(session, proof)
    return _renewed(session, actor, "passkey")


def _renewed(session: Session, actor: Actor, factor: str) -> str | Refusal:
    secret = staff_sessions.renew(session, actor)
    if secret is None:
        return TokenInvalid()
    audit.record(
        session, actor=actor, action=_PROVEN, subject=_subject(actor.user_id), after={"by": factor}
    )
    return secret


# Changing them


def switch_off_app(
    session: Session, actor: Actor, code: str, *, network: str, staff_need_one: bool
) -> Refusal | None:
    """Forget the authenticator app, by a code. Raises `LastSecondFactor` to staff who would be left
    without any although they need one, and `TwoFactorNotSetUp`."""
    session.row(_LOCK, (actor.user_id,))
    needs_one = staff_need_one and actor.role is not Role.USER
    has_app = second_factor.is_on(session, actor.user_id)
    if needs_one and has_app and not half_done.has_passkey(session, actor.user_id):
        raise LastSecondFactor
    return second_factor.switch_off(session, actor, code, network=network)


def renew_recovery_codes(
    session: Session, actor: Actor, attempt: Attempt, code: str
) -> list[str] | Refusal:
    """Fresh recovery codes for who proved to know the password, by a code of the second factor;
    or record the failure and answer the refusal to raise afterwards. Raises `TwoFactorNotSetUp`."""
    settled = service.settle_password(session, attempt, _CODES_RENEWED)
    if isinstance(settled, Refusal):
        return settled
    network = attempt.counters.network_name
    codes = second_factor.renew_recovery_codes(session, actor, code, network=network)
    if not isinstance(codes, Refusal):
        lockout.forgive(session, attempt.counters)
    return codes


# What the audit trail calls these acts.
_OPENED, _PROVEN = "session.opened", "session.proven"
_CODES_RENEWED = "recovery_codes.renewed"


def _begun(
    session: Session, user_id: UUID, device: Device, factor: str, *, replaces: str | None = None
) -> SignedIn:
    secret = staff_sessions.begin(session, user_id, device, replaces=replaces)
    person = queries.person_by_id(session, user_id)
    audit.record(
        session,
        actor=Actor(person.id, None, person.email, person.role, frozenset()),
        action=_OPENED,
        subject=_subject(user_id),
        after={"network": device.network, "by": factor},
    )
    return SignedIn(secret)


def _denied(session: Session, user_id: UUID, action: str, device: Device, refusal: Refusal) -> None:
    # Attempts that were not even judged are counted, and recorded no further.
    if isinstance(refusal, RateLimited):
        return
    audit.record(
        session,
        actor=None,
        action=action,
        subject=_subject(user_id),
        after={"network": device.network, "refusal": refusal.code},
        outcome="denied",
    )


def _subject(user_id: UUID) -> str:
    return ids.encode("usr", user_id)
