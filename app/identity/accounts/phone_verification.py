"""Verify that a phone is the person's, by a code that is sent to it as a text message.

As with links, the code is never stored and never staged: it is made from the row's id and nonce
with a key that is not in the database, for the text and for the check. Only the latest code of a
person works, once, for ten minutes, and not after five wrong ones.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from secrets import token_bytes
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, EmailNotConfirmed
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import queries
from app.identity.accounts.queries import PersonProfile
from app.identity.credentials.one_time_tokens import OneTimeKey
from app.identity.credentials.rules import normalize_code
from app.identity.errors import PhoneAlreadyVerified, PhoneCodeInvalid, PhoneNumberRequired
from app.identity.models import PhoneCode, User
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_number_of
from app.kit.ports import resolve
from app.limits import service as limits
from app.limits.queries import Demand
from app.limits.registry import Limit
from app.notifications import service as notifications
from app.notifications.account_kinds import PhoneCodeRequested
from app.settings.queries import current
from app.settings.rules import setting, settings_group

LIFETIME = timedelta(minutes=10)
FAILURES_MAX = 5
_DAY = timedelta(days=1)
_NONCE_BYTES = 16


@settings_group("phones", "Verification of phones")
@dataclass(frozen=True, slots=True)
class PhoneRules:
    """How many codes are sent."""

    codes_per_person_day: int = setting(
        "Codes to one person in 24 hours",
        5,
        minimum=1,
        maximum=100,
        unit="codes",
        needs_approval=False,
    )
    codes_per_phone_day: int = setting(
        "Codes to one phone in 24 hours",
        5,
        minimum=1,
        maximum=100,
        unit="codes",
        about="Also when several people have its number in their profiles.",
        needs_approval=False,
    )


_write = partial(format_number_of, one="code")
_PERSON_DAY = Limit("phone_codes_day", "codes to verify a phone", _DAY, _write)
_PHONE_DAY = Limit("phone_codes_phone_day", "codes to verify this phone", _DAY, _write)
for limit, owner in (
    (_PERSON_DAY, PhoneCode.user_id.label("owner")),
    (_PHONE_DAY, PhoneCode.phone_index.label("owner")),
):
    limit.count(
        sa.select(
            owner,
            PhoneCode.id.label("id"),
            PhoneCode.sent_at.label("at"),
            sa.literal_column("1", sa.Integer).label("units"),
        )
    )


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code that was sent: to which phone, and until when it works."""

    phone: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _PendingCode:
    """The latest code of a person, if it can still be entered."""

    id: UUID
    nonce: bytes
    failures: int


def request_code(session: Session, actor: Actor) -> SentCode:
    """Send a code to the phone of the actor's profile. Earlier codes stop working.

    Raises `EmailNotConfirmed`, because until then the account may be a stranger's;
    `PhoneNumberRequired`, `PhoneAlreadyVerified`, and `LimitExceeded`.
    """
    if not actor.email_confirmed:
        raise EmailNotConfirmed
    person = _lock_person(session, actor)
    if person.phone is None:
        raise PhoneNumberRequired
    if person.phone_verified:
        raise PhoneAlreadyVerified
    now, index, rules = clock.now(), index_of(person.phone), current(session, PhoneRules)
    by_person = Demand(_PERSON_DAY, rules.codes_per_person_day, 1)
    by_phone = Demand(_PHONE_DAY, rules.codes_per_phone_day, 1)
    limits.check(session, [actor.user_id], by_person)
    limits.check(session, [index], by_phone)
    session.write(
        sa.update(PhoneCode)
        .values(ended_at=now)
        .where(PhoneCode.user_id == actor.user_id, PhoneCode.ended_at.is_(None))
    )
    code_id = ids.new()
    session.write(
        sa.insert(PhoneCode).values(
            id=code_id,
            user_id=actor.user_id,
            phone_index=index,
            nonce=token_bytes(_NONCE_BYTES),
            sent_at=now,
        )
    )
    event = ids.encode("pcd", code_id)
    notifications.notify(session, PhoneCodeRequested(code_id), to=actor.user_id, event=event)
    return SentCode(person.phone, now + LIFETIME)


def confirm_code(session: Session, actor: Actor, code: str) -> PersonProfile:
    """Verify the phone of the actor's profile by the code that was sent to it.

    Raises `PhoneAlreadyVerified`, and `PhoneCodeInvalid`, which keeps the count of failures.
    """
    person = _lock_person(session, actor)
    if person.phone_verified:
        raise PhoneAlreadyVerified
    pending = _find_pending(session, actor.user_id, person.phone)
    if pending is None:
        raise PhoneCodeInvalid
    now = clock.now()
    update = sa.update(PhoneCode).where(PhoneCode.id == pending.id)
    if not hmac.compare_digest(_make_code(pending).encode(), normalize_code(code).encode()):
        failures = pending.failures + 1
        ended_at = now if failures >= FAILURES_MAX else None
        session.write(update.values(failures=failures, ended_at=ended_at))
        raise PhoneCodeInvalid().keeping_records()
    session.write(update.values(ended_at=now))
    session.write(sa.update(User).values(phone_verified_at=now).where(User.id == actor.user_id))
    subject = ids.encode("usr", actor.user_id)
    audit.record(session, actor=actor, action=AuditAction.PHONE_VERIFIED, subject=subject)
    return queries.get_person(session, actor.user_id)


def rebuild_code(session: Session, user_id: UUID, code_id: UUID) -> tuple[str, str] | None:
    """Return the phone and the code for the text message to it; None if it does not work any more,
    or the person has another phone now."""
    phone = queries.get_person(session, user_id).phone
    pending = _find_pending(session, user_id, phone)
    if phone is None or pending is None or pending.id != code_id:
        return None
    return phone, _make_code(pending)


def delete_old(session: Session, now: datetime) -> None:
    """Delete the codes that count to no limit any more."""
    session.write(sa.delete(PhoneCode).where(PhoneCode.sent_at <= now - _DAY))


def index_of(phone: str) -> bytes:
    """Return the blind index of a phone number."""
    return keys.blind_index(phone, table="phone_codes", column="phone_index")


def _lock_person(session: Session, actor: Actor) -> PersonProfile:
    session.send("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", (actor.user_id,))
    return queries.get_person(session, actor.user_id)


def _find_pending(session: Session, user_id: UUID, phone: str | None) -> _PendingCode | None:
    if phone is None:
        return None
    return session.find(
        _PendingCode,
        sa.select(PhoneCode.id, PhoneCode.nonce, PhoneCode.failures).where(
            PhoneCode.user_id == user_id,
            PhoneCode.phone_index == index_of(phone),
            PhoneCode.ended_at.is_(None),
            PhoneCode.sent_at > clock.now() - LIFETIME,
        ),
    )


def _make_code(pending: _PendingCode) -> str:
    return resolve(OneTimeKey).make_code(pending.id, pending.nonce)
