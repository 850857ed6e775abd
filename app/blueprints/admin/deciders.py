"""Who may decide a request for an act of two people, for the page on which it is requested."""

from collections.abc import Mapping
from uuid import UUID

from app.access import Actor
from app.approvals import queries as approvals_queries
from app.identity.accounts import people
from app.kit.db import Session


def list_deciders(
    session: Session, actor: Actor, action: str, subject_id: UUID | None = None
) -> Mapping[UUID, str]:
    """Return the names of the people who may decide the actor's request of this action, by id."""
    return name_deciders(
        session, approvals_queries.list_deciders(session, action, actor.user_id, subject_id)
    )


def name_deciders(session: Session, decider_ids: list[UUID]) -> Mapping[UUID, str]:
    """Return the names of these people by id, in order of name."""
    names = people.get_names(session, decider_ids)
    return dict(sorted(names.items(), key=lambda item: item[1]))
