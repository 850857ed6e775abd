"""What messages hold on a person, and how they are forgotten."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import Fate, Room, Sections, Table, told

_MESSAGES = """
SELECT id, kind, subject, body, created_at, read_at FROM messages WHERE user_id = %s ORDER BY id
"""
_MAILS = """
SELECT kind, state, staged_at, sent_at FROM mails WHERE user_id = %s ORDER BY id
"""


def _held(session: Session, person_id: UUID) -> Sections:
    inbox, mails = session.fetch((_MESSAGES, (person_id,)), (_MAILS, (person_id,)))
    return {
        "messages": told(inbox, "id kind subject body createdAt readAt", id="msg"),
        "mails": told(mails, "kind state stagedAt sentAt"),
    }


def _forget(session: Session, person_id: UUID) -> None:
    session.send("DELETE FROM messages WHERE user_id = %s", (person_id,))
    session.send("DELETE FROM mails WHERE user_id = %s", (person_id,))


ROOM = Room(
    "messages",
    {
        "messages": Table(
            "The inbox, as it was written",
            Fate.DELETED,
            "Nobody can read it any more.",
            exported=("messages",),
        ),
        "mails": Table(
            "That an e-mail was sent, of which kind and when; no text and no address",
            Fate.DELETED,
            "The last mail, which says that the person was erased, is added afterwards. It carries"
            " its address, sealed, until it is settled, for a day at most.",
            exported=("mails",),
        ),
    },
    held=_held,
    forget=_forget,
)
