"""Forms that were sent too late, kept for their sender: after their proof of identity had aged, or
after their session had timed out.

A form is sealed, lasts a quarter of an hour, and belongs to one login session. After the proof the
session that sent it finishes it: the act and `mark_sent` share one transaction, so a form is
finished once or not at all. What remains of a finished form is the fact, until its session is
deleted.

A form of a session that has timed out is never finished, only shown again: the cookie of such a
session, which may be in wrong hands, must not act any more. The next sign-in of the same person in
the same browser takes the form over. A session that was ended (by signing out, by a
new password, by a suspension) takes its forms with it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.access import Actor
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session

PREFIX = "frm"
LIFETIME = timedelta(minutes=15)
#: How many forms of one session can wait at once: some in other tabs.
WAITING_MAX = 5

_KEEP = """
INSERT INTO kept_forms (id, session_id, kept_at, expires_at, form_sealed)
VALUES (%s, %s, %s, %s, %s)
"""
_DELETE_OLDEST = """
DELETE FROM kept_forms WHERE id IN (
    SELECT id FROM kept_forms WHERE session_id = %s AND used_at IS NULL
    ORDER BY kept_at DESC, id DESC OFFSET %s
)
"""
_LOCK = """
SELECT form_sealed FROM kept_forms
WHERE id = %s AND session_id = %s AND used_at IS NULL AND expires_at > %s
FOR UPDATE
"""
# Another session of the same person may learn that the form was sent, but not its contents.
_FIND = """
SELECT k.session_id = %s AND k.expires_at > %s, k.used_at IS NOT NULL, k.form_sealed
FROM kept_forms k JOIN login_sessions s ON s.id = k.session_id
WHERE k.id = %s AND s.user_id = %s
"""
_LIST_WAITING = """
SELECT id, form_sealed FROM kept_forms
WHERE session_id = %s AND used_at IS NULL AND expires_at > %s ORDER BY kept_at DESC, id DESC
"""
_TAKE_OVER = """
UPDATE kept_forms k SET session_id = %(session)s FROM login_sessions s
WHERE k.id = ANY(%(forms)s) AND k.used_at IS NULL AND k.expires_at > %(now)s
    AND s.id = k.session_id AND s.user_id = %(user)s AND s.revoked_at IS NULL
"""
_DISCARD = "DELETE FROM kept_forms WHERE id = %s AND session_id = %s AND used_at IS NULL"
_MARK_SENT = "UPDATE kept_forms SET used_at = %s, form_sealed = NULL WHERE id = %s"
_DELETE_EXPIRED = "DELETE FROM kept_forms WHERE used_at IS NULL AND expires_at <= %s"


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form as a browser sent it."""

    path: str
    """Where it was sent, with the query."""
    act: str
    """What it does, as a sentence in the imperative."""
    fields: Sequence[tuple[str, str]]
    """Its names and values in their order; a name may occur several times."""
    had_files: bool = False
    """Whether files came with it, which are not kept."""
    is_late: bool = False
    """Whether its session had ended."""

    @property
    def is_finishable(self) -> bool:
        """Whether it may be finished as it is; else its sender completes it and sends it again."""
        return not (self.had_files or self.is_late)

    def value(self, name: str) -> str:
        """Return the value of a field, empty if it has none."""
        return dict(self.fields).get(name, "")


class KeptFormState(StrEnum):
    """What became of a kept form."""

    WAITING = "waiting"
    """It is finished after the proof."""
    SENT = "sent"
    """Its act was carried out."""
    GONE = "gone"
    """It expired, was replaced by newer forms, or its session has ended: nothing was done."""


def keep(session: Session, session_id: UUID, form: SentForm) -> str:
    """Keep a form for a login session. Returns its public id.

    Replaces the oldest one if too many wait.
    """
    identifier, now = ids.new(), clock.now()
    sealed = keys.seal(
        json.dumps(asdict(form)), table="kept_forms", column="form_sealed", key=identifier
    )
    session.send(_KEEP, (identifier, session_id, now, now + LIFETIME, sealed))
    session.send(_DELETE_OLDEST, (session_id, WAITING_MAX))
    return ids.encode(PREFIX, identifier)


def find(session: Session, actor: Actor, public_id: str) -> tuple[KeptFormState, SentForm | None]:
    """Return what became of a form, and the form itself while it waits."""
    identifier = ids.try_decode(PREFIX, public_id)
    values = (actor.session_id, clock.now(), identifier, actor.user_id)
    row = session.row(_FIND, values) if identifier else None
    if identifier is None or row is None:
        return KeptFormState.GONE, None
    is_available, is_sent, sealed = row
    if is_sent:
        return KeptFormState.SENT, None
    if not is_available:
        return KeptFormState.GONE, None
    return KeptFormState.WAITING, _open(sealed, identifier)


def lock(session: Session, actor: Actor, public_id: str) -> SentForm | None:
    """Return a waiting form of this session that may be finished, locked against finishing it twice
    at once.

    Returns None in any other state.
    """
    identifier = ids.try_decode(PREFIX, public_id)
    if identifier is None:
        return None
    values = (identifier, actor.session_id, clock.now())
    sealed = session.optional_value(_LOCK, values)
    form = _open(sealed, identifier) if sealed is not None else None
    return form if form is not None and form.is_finishable else None


def list_waiting(session: Session, actor: Actor) -> list[tuple[str, SentForm]]:
    """Return the public ids and forms that wait in this session, the latest first."""
    rows = session.rows(_LIST_WAITING, (actor.session_id, clock.now()))
    return [(ids.encode(PREFIX, key), _open(sealed, key)) for key, sealed in rows]


def take_over(session: Session, actor: Actor, public_ids: Sequence[str]) -> None:
    """Move these forms to the actor's session, if another session of the same person left them
    behind when it timed out."""
    forms = [key for each in public_ids if (key := ids.try_decode(PREFIX, each))]
    values = {"session": actor.session_id, "user": actor.user_id, "forms": forms}
    session.send(_TAKE_OVER, values | {"now": clock.now()})


def discard(session: Session, actor: Actor, public_id: str) -> None:
    """Delete a form that waits in this session, if it does."""
    session.send(_DISCARD, (ids.try_decode(PREFIX, public_id), actor.session_id))


def mark_sent(session: Session, public_id: str) -> None:
    """Record that the act of a locked form was carried out, and delete the form."""
    session.send(_MARK_SENT, (clock.now(), ids.decode(PREFIX, public_id)))


def delete_expired(session: Session, now: datetime) -> None:
    """Delete the forms that were not finished in time."""
    session.send(_DELETE_EXPIRED, (now,))


def _open(sealed: bytes, identifier: UUID) -> SentForm:
    text = keys.open_sealed(sealed, table="kept_forms", column="form_sealed", key=identifier)
    form = json.loads(text)
    pairs = [(name, value) for name, value in form.pop("fields")]
    return SentForm(**form, fields=pairs)
