"""Change one's own profile."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import queries
from app.identity.accounts.queries import PersonProfile
from app.identity.credentials import security_mail
from app.identity.models import User
from app.identity.sign_in import recent_proof
from app.kit import clock, ids, names, phones
from app.kit.db import Session
from app.notifications.account_kinds import PhoneChanged

_ADD_ACCEPTED = """
UPDATE users SET accepted_policies = array_append(accepted_policies, %s) WHERE id = %s
"""


def add_accepted_policy(session: Session, person_id: UUID, version: str) -> None:
    """Note that the person accepted a version of a required policy (`access.consents`)."""
    session.send(_ADD_ACCEPTED, (version, person_id))


def choose_single_keys(session: Session, actor: Actor, *, is_on: bool) -> None:
    """Switch the shortcuts of the desks that are a letter alone on or off, for the actor."""
    session.write(sa.update(User).values(single_keys=is_on).where(User.id == actor.user_id))


def change_profile(
    session: Session, actor: Actor, changes: dict[str, Any], *, country: str | None = None
) -> PersonProfile:
    """Change the actor's `first_name`, `last_name` or `phone`.

    A phone number without a country code is one in `country`, where the person lives. Another one
    is to be verified, and the person receives an email about it. Raises `Invalid`, and
    `ReauthenticationRequired` for another phone number.
    """
    session.send("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", (actor.user_id,))
    person = queries.get_person(session, actor.user_id)
    values: dict[str, object] = {}
    if "first_name" in changes:
        values["first_name"] = names.clean_name("firstName", changes["first_name"])
    if "last_name" in changes:
        values["last_name"] = names.clean_name("lastName", changes["last_name"])
    if "phone" in changes:
        phone = phones.normalize_phone(changes["phone"], country=country)
        if phone != person.phone:
            recent_proof.require_recent_proof(actor)
            values |= {"phone": phone, "phone_verified_at": None}
            notice = PhoneChanged(clock.now(), phone[-3:] if phone else "")
            security_mail.mail_change_notice(session, actor.user_id, notice)
    if values:
        session.write(sa.update(User).values(**values).where(User.id == actor.user_id))
    # The names of the fields, not their values: the trail outlives an erasure.
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PERSON_CHANGED,
        subject=ids.encode("usr", actor.user_id),
        after={"fields": sorted(changes)},
    )
    return queries.get_person(session, actor.user_id)
