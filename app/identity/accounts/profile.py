"""Change one's own profile."""

from typing import Any

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import queries, rules
from app.identity.accounts.queries import PersonProfile
from app.kit import ids
from app.kit.db import Session

_CHANGE = "UPDATE users SET first_name = %s, last_name = %s, phone = %s WHERE id = %s"


def change_profile(
    session: Session, actor: Actor, changes: dict[str, Any], *, country: str | None = None
) -> PersonProfile:
    """Change the actor's `first_name`, `last_name` or `phone`. Raises `Invalid`.

    A phone number without a country code is one in `country`, where the person lives.
    """
    session.send("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", (actor.user_id,))
    person = queries.get_person(session, actor.user_id)
    first_name = rules.clean_name("firstName", changes.get("first_name", person.first_name))
    last_name = rules.clean_name("lastName", changes.get("last_name", person.last_name))
    phone = person.phone
    if "phone" in changes:
        phone = rules.normalize_phone(changes["phone"], country=country)
    session.send(_CHANGE, (first_name, last_name, phone, actor.user_id))
    # The names of the fields, not their values: the trail outlives an erasure.
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PERSON_CHANGED,
        subject=ids.encode("usr", actor.user_id),
        after={"fields": sorted(changes)},
    )
    return queries.get_person(session, actor.user_id)
