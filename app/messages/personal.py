"""What messages hold on a person, and how they are forgotten."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import Fate, Room, Sections, Table, told

_MESSAGES = """
SELECT id, kind, subject, body, created_at, read_at FROM messages WHERE user_id = %s ORDER BY id
"""
_MAILS = """
SELECT kind, state, staged_at, sent_at, delivery, delivery_at FROM mails
WHERE user_id = %s ORDER BY id
"""
_TEXTS = """
SELECT kind, state, staged_at, sent_at, delivery, delivery_at FROM texts
WHERE user_id = %s ORDER BY id
"""
_CHOICES = """
SELECT topic, channel, wanted, chosen_at FROM notification_choices
WHERE user_id = %s ORDER BY topic, channel
"""
_SENT = "kind state stagedAt sentAt delivery deliveryAt"


def _held(session: Session, person_id: UUID) -> Sections:
    inbox, mails, texts, choices = session.fetch(
        *((statement, (person_id,)) for statement in (_MESSAGES, _MAILS, _TEXTS, _CHOICES))
    )
    return {
        "messages": told(inbox, "id kind subject body createdAt readAt", id="msg"),
        "mails": told(mails, _SENT),
        "texts": told(texts, _SENT),
        "notificationChoices": told(choices, "topic channel wanted chosenAt"),
    }


def _forget(session: Session, person_id: UUID) -> None:
    session.send("DELETE FROM messages WHERE user_id = %s", (person_id,))
    session.send("DELETE FROM mails WHERE user_id = %s", (person_id,))
    session.send("DELETE FROM texts WHERE user_id = %s", (person_id,))
    session.send("DELETE FROM notification_choices WHERE user_id = %s", (person_id,))


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
        "texts": Table(
            "That a text message was sent, of which kind and when; no text and no number",
            Fate.DELETED,
            "Nobody is texted any more.",
            exported=("texts",),
        ),
        "notification_choices": Table(
            "Of what the person wants to be told, and how",
            Fate.DELETED,
            "Nobody is told any more.",
            exported=("notificationChoices",),
        ),
    },
    held=_held,
    forget=_forget,
)
