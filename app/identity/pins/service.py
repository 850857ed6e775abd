"""The verbs of PINs: choose one, and confirm a colleague's act with it."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, Permission, require
from app.approvals.ports import CurrentPermissions, Independence
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.identity.credentials import security_mail
from app.identity.credentials.passwords import PasswordHashing
from app.identity.credentials.rules import normalize_code
from app.identity.errors import NotSecondPerson, PinInvalid
from app.identity.pins import rules
from app.identity.pins.models import StaffPin
from app.identity.sign_in import lockout
from app.identity.sign_in.lockout import FailureCounters
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import PermissionDenied, RateLimited
from app.kit.ports import resolve
from app.notifications.account_kinds import PinChanged


def choose_pin(session: Session, actor: Actor, text: str) -> None:
    """Give the actor this PIN in place of an earlier one, and email them. Slow.

    Raises `Invalid`.
    """
    pin_hash, now = resolve(PasswordHashing).hash(rules.check_new_pin(text)), clock.now()
    values = {"pin_hash": pin_hash, "changed_at": now}
    session.write(
        insert(StaffPin)
        .values(user_id=actor.user_id, **values)
        .on_conflict_do_update(index_elements=[StaffPin.user_id], set_=values)
    )
    lockout.reset_failures(session, _counters(actor.user_id, ""))
    audit.record(
        session, actor=actor, action=AuditAction.PIN_CHANGED,
        subject=ids.encode("usr", actor.user_id),
    )  # fmt: skip
    security_mail.mail_change_notice(session, actor.user_id, PinChanged(now))


def has_pin(session: Session, user_id: UUID) -> bool:
    """Return whether the person has a PIN."""
    return bool(_find_hash(session, user_id))


def confirm(
    session: Session,
    actor: Actor,
    person_id: UUID,
    pin: str,
    permission: Permission,
    *,
    network: str,
) -> UUID:
    """Return the id of the second person, who entered their PIN at the actor's screen. Slow: call
    it before anything is locked.

    They are another active person of the same branch, hold the permission, and neither of the two
    owes the other one their account, role or this permission. Raises `NotSecondPerson` unless that
    is so, and `PinInvalid` and `RateLimited`, which keep the count of wrong PINs.
    """
    pin_hash = _find_hash(session, person_id)
    matches = resolve(PasswordHashing).matches(pin_hash, normalize_code(pin))
    counters, now, subject = (
        _counters(person_id, network),
        clock.now(),
        ids.encode("usr", person_id),
    )
    try:
        lockout.lock_counters(session, counters, now)
        if not matches:
            lockout.count_failure(session, counters, now, subject=subject)
    except RateLimited as refusal:
        raise RateLimited(
            "Too many wrong PINs.", retry_after_seconds=refusal.retry_after_seconds
        ).keeping_records() from None
    if not matches:
        audit.record(
            session, actor=actor, action=AuditAction.PIN_ENTERED, subject=subject,
            outcome=AuditOutcome.DENIED,
        )  # fmt: skip
        raise PinInvalid().keeping_records()
    lockout.reset_failures(session, counters)
    _require_second_person(session, actor, person_id, permission)
    return person_id


def _require_second_person(
    session: Session, actor: Actor, person_id: UUID, permission: Permission
) -> None:
    try:
        second = resolve(CurrentPermissions).lock_actor(session, person_id)
        require(second, permission)
    except PermissionDenied:
        raise NotSecondPerson from None
    if second.user_id == actor.user_id or second.branch_id != actor.branch_id:
        raise NotSecondPerson
    dependences = resolve(Independence).find_dependences(
        session, actor.user_id, [person_id], frozenset({permission})
    )
    if person_id in dependences:
        raise NotSecondPerson(dependences[person_id].reason)


def _find_hash(session: Session, user_id: UUID) -> str | None:
    found = sa.select(StaffPin.pin_hash).where(StaffPin.user_id == user_id)
    return session.find(lambda pin_hash: pin_hash, found)


def _counters(user_id: UUID, network: str) -> FailureCounters:
    """Return the counters of a person's PIN: they count from whatever screen it was entered."""
    return FailureCounters(network=f"network {network}", pair=f"pin {user_id}")
