"""The second person of a branch, who confirms an act with their PIN at the teller's screen."""

from uuid import UUID

from marshmallow import fields

from app.access import Actor, Permission, branch_scope
from app.blueprints.forms import choice_field, text_field
from app.blueprints.rate_limits import client_network
from app.identity.accounts import people
from app.identity.errors import NotSecondPerson
from app.identity.pins import service as pins
from app.kit import ids
from app.kit.db import Session


def witness_field() -> fields.String:
    """Return the choice of a colleague."""
    return choice_field("Second person", "Choose a colleague who counts with you.")


def pin_field(label: str = "Their PIN") -> fields.String:
    """Return the field in which they enter their PIN."""
    return text_field(label, "The second person enters their PIN.", control="password")


def list_choices(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """Return the actor's colleagues of the branch."""
    branch_id = branch_scope(actor)
    if branch_id is None:
        return []
    return [
        (each.public_id, each.name)
        for each in people.list_branch_staff(session, branch_id)
        if each.id != actor.user_id
    ]


def confirm(session: Session, actor: Actor, person: UUID | str, pin: str) -> UUID:
    """Return the id of the second person, by id or public id. Raises as `pins.confirm`."""
    person_id = ids.try_decode("usr", person) if isinstance(person, str) else person
    if person_id is None:
        raise NotSecondPerson
    return pins.confirm(
        session, actor, person_id, pin, Permission.DRAWERS_WORK, network=client_network()
    )
