"""Write notes on a customer, and read them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals.ports import CurrentPermissions
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.cases import rules as cases_rules
from app.helpdesk.notes.models import CustomerNote
from app.identity.accounts import locked_person
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.list_query import fetch_newest
from app.kit.pagination import Page
from app.kit.ports import resolve
from app.notifications import service as notifications
from app.notifications.desk_kinds import MentionedInNote

PREFIX = "cnt"
_TABLE, _COLUMN = "customer_notes", "text_sealed"
_NOTES = sa.select(
    CustomerNote.id.label("note_id"),
    CustomerNote.actor_id,
    CustomerNote.mentioned_id,
    CustomerNote.text_sealed,
    CustomerNote.at,
)


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note on a customer, opened."""

    id: UUID
    actor_id: UUID
    mentioned_id: UUID | None
    text: str
    at: datetime


def add_note(
    session: Session, actor: Actor, person_id: UUID, text: str, *, mentioned_id: UUID | None = None
) -> UUID:
    """Add a note on a customer and return its id. A colleague who is mentioned gets an email.

    Raises `NotFound`, `PermissionDenied`, `PersonErased`, and `Invalid` naming `note` or
    `mentioned`.
    """
    require(actor, Permission.PEOPLE_NOTE)
    text, note_id, now = cases_rules.clean_note(text), ids.new(), clock.now()
    person = locked_person.lock_person(session, person_id)
    if mentioned_id is not None and mentioned_id not in list_colleagues(session):
        raise Invalid("mentioned", "Choose a colleague from the list.")
    session.write(
        sa.insert(CustomerNote).values(
            id=note_id,
            user_id=person.id,
            actor_id=actor.user_id,
            mentioned_id=mentioned_id,
            text_sealed=keys.seal(text, table=_TABLE, column=_COLUMN, key=note_id),
            at=now,
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CUSTOMER_NOTED,
        subject=person.public_id,
        on_behalf_of=person.id,
    )
    if mentioned_id is not None:
        message = MentionedInNote(ids.encode("usr", person.id))
        notifications.notify(session, message, to=mentioned_id, event=ids.encode(PREFIX, note_id))
    return note_id


def list_colleagues(session: Session) -> list[UUID]:
    """Return the staff who may read notes and can be mentioned."""
    readers = frozenset({Permission.PEOPLE_READ, Permission.PEOPLE_NOTE})
    return resolve(CurrentPermissions).find_holders(session, readers)


def list_notes(
    session: Session, person_id: UUID, *, limit: int, before: UUID | None = None
) -> Page[OpenedNote]:
    """Return a page of the notes on a customer, newest first."""
    own = _NOTES.where(CustomerNote.user_id == person_id)
    return fetch_newest(session, _open, own, CustomerNote.id, limit=limit, before=before)


def _open(
    *,
    note_id: UUID,
    actor_id: UUID,
    mentioned_id: UUID | None,
    text_sealed: bytes,
    at: datetime,
) -> OpenedNote:
    text = keys.open_sealed(text_sealed, table=_TABLE, column=_COLUMN, key=note_id).decode()
    return OpenedNote(note_id, actor_id, mentioned_id, text, at)
