"""The verbs of messages."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.identity.accounts import queries as account_queries
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.tasks import task
from app.messages import preferences, rules
from app.messages.rules import NotificationChannel
from app.outbox import service as outbox

_SENDERS = {
    NotificationChannel.EMAIL: "messages.send_mail",
    NotificationChannel.SMS: "messages.send_text",
}
_DELIVER = """
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
    text = rules.render_inbox(kind, values)
    session.send(
        _DELIVER,
        (ids.new(), user_id, event_key, kind, text.version, text.subject, text.body, clock.now()),
    )


@task("messages.deliver")
def deliver_message(
    session: Session, *, user_id: str, event_key: str, kind: str, values: dict[str, str]
) -> None:
    """`deliver` as a background task, and the same by each channel that the person wants: the args
    are JSON. Nothing for somebody who was erased meanwhile."""
    if account_queries.is_erased(session, UUID(user_id)):
        return
    if rules.KINDS[kind].inbox_version:
        deliver_to_inbox(
            session, user_id=UUID(user_id), event_key=event_key, kind=kind, values=values
        )
    told: dict[str, Any] = {"user_id": user_id, "event_key": event_key, "kind": kind}
    for channel in sorted(preferences.chosen_channels(session, UUID(user_id), kind)):
        outbox.stage(session, _SENDERS[channel], {**told, "values": values})
