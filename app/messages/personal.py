"""The personal data of messages: what is stored on a person, and how it is erased."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import (
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)

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


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    inbox, mails, texts, choices = session.fetch(
        *((statement, (person_id,)) for statement in (_MESSAGES, _MAILS, _TEXTS, _CHOICES))
    )
    return {
        "messages": export_records(inbox, "id kind subject body createdAt readAt", id="msg"),
        "mails": export_records(mails, _SENT),
        "texts": export_records(texts, _SENT),
        "notificationChoices": export_records(choices, "topic channel wanted chosenAt"),
    }


def _erase(session: Session, person_id: UUID) -> None:
    session.send("DELETE FROM messages WHERE user_id = %s", (person_id,))
    session.send("DELETE FROM mails WHERE user_id = %s", (person_id,))
    session.send("DELETE FROM texts WHERE user_id = %s", (person_id,))
    session.send("DELETE FROM notification_choices WHERE user_id = %s", (person_id,))


PERSONAL_DATA = PersonalData(
    "messages",
    {
        "messages": PersonalDataTable(
            "The inbox, as rendered",
            ErasureEffect.DELETED,
            "The account that could read it is gone.",
            export_sections=("messages",),
        ),
        "mails": PersonalDataTable(
            "Kind, times and delivery of each email; no text and no address",
            ErasureEffect.DELETED,
            "The final email, which confirms the erasure, is added afterwards. It stores its"
            " address, sealed, until it is settled, for a day at most.",
            export_sections=("mails",),
        ),
        "texts": PersonalDataTable(
            "Kind, times and delivery of each SMS; no text and no number",
            ErasureEffect.DELETED,
            "No more SMS are sent.",
            export_sections=("texts",),
        ),
        "notification_choices": PersonalDataTable(
            "The person's notification preferences by topic and channel",
            ErasureEffect.DELETED,
            "No more notifications are sent.",
            export_sections=("notificationChoices",),
        ),
    },
    export_sections=_export_sections,
    erase=_erase,
)
