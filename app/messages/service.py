"""Operations on messages."""

from collections.abc import Mapping
from uuid import UUID

from app.identity.accounts import queries as account_queries
from app.kit import clock, ids
from app.kit.db import Session
from app.messages import bundles, preferences, rendering
from app.notifications.registry import KINDS
from app.notifications.rules import NotificationChannel
from app.outbox import service as outbox

_SENDERS = {
    NotificationChannel.EMAIL: "messages.send_mail",
    NotificationChannel.SMS: "messages.send_text",
}
_LOGS = {NotificationChannel.EMAIL: bundles.EMAILS, NotificationChannel.SMS: bundles.TEXTS}
_ADD_MESSAGE = """
INSERT INTO messages (id, user_id, event_key, kind, version, subject, body, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (user_id, event_key) DO NOTHING
"""


def deliver_to_inbox(
    session: Session, *, user_id: UUID, event_key: str, kind: str, values: Mapping[str, str]
) -> None:
    """Put the message of an event into a person's inbox, unless it is there already.

    Raises `LookupError` for an unknown kind, `jinja2.UndefinedError` for a missing value.
    """
    rendered = rendering.render_inbox(kind, values)
    session.send(
        _ADD_MESSAGE,
        (
            ids.new(),
            user_id,
            event_key,
            kind,
            rendered.version,
            rendered.subject,
            rendered.body,
            clock.now(),
        ),
    )


def deliver_message(
    session: Session, *, user_id: str, event_key: str, kind: str, values: dict[str, str]
) -> None:
    """Deliver a message to the inbox and by each channel that the person wants.

    Does nothing for an erased person. The args are JSON.
    """
    if account_queries.is_erased(session, UUID(user_id)):
        return
    if KINDS[kind].in_inbox:
        deliver_to_inbox(
            session, user_id=UUID(user_id), event_key=event_key, kind=kind, values=values
        )
    args = {"user_id": user_id, "event_key": event_key, "kind": kind, "values": values}
    channels = preferences.chosen_channels(session, UUID(user_id), kind)
    window = KINDS[kind].bundled_within
    for channel in sorted(channels):
        if window is None:
            outbox.stage(session, _SENDERS[channel], args)
        else:
            # Others may take it into their bundle until then.
            _LOGS[channel].add(session, UUID(user_id), event_key, kind)
            outbox.stage(session, _SENDERS[channel], args, not_before=clock.now() + window)
