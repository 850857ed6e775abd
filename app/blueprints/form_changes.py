"""Changes to the facts of a form while it was open: compared when it is sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.audit import queries as audit_queries
from app.identity.accounts import people
from app.kit.db import Session
from app.kit.errors import Conflict

#: The facts that a form changes, as texts by label.
Facts = Mapping[str, str]


class StaleForm(Conflict):
    """The facts that the form changes were changed since it was opened."""

    code = "form_stale"


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that changed while the form was open."""

    label: str
    seen: str
    now: str


def serialize(facts: Facts) -> str:
    """Return the facts as the form carries them."""
    return json.dumps(dict(facts))


def list_changes(carried: str, now: Facts) -> list[Change]:
    """Compare the facts that a form carried with those of now; all differ from an invalid text."""
    try:
        seen = json.loads(carried)
    except ValueError:
        seen = {}
    before = seen if isinstance(seen, dict) else {}
    return [
        Change(label, str(before.get(label, "")), text)
        for label, text in now.items()
        if before.get(label) != text
    ]


def describe_author(session: Session, subject: str | None) -> str:
    """Return who changed the thing with this public id last: `Grace Hopper changed this`."""
    actor_id: UUID | None = None
    if subject is not None:
        actor_id = audit_queries.latest_actor_about(session, subject)
    if actor_id is None:
        return "This was changed"
    return f"{people.get_names(session, [actor_id]).get(actor_id, 'Another person')} changed this"
