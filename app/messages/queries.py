"""Reads of messages."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kit import pagination
from app.kit.db import Session
from app.kit.pagination import Page

_MESSAGES = """
SELECT id, kind, subject, body, created_at, read_at FROM messages
WHERE user_id = %s AND id < %s ORDER BY id DESC LIMIT %s
"""
_ID_MAX = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message as its reader sees it."""

    id: UUID
    kind: str
    subject: str
    body: str
    created_at: datetime
    read_at: datetime | None


def list_messages(
    session: Session, user_id: UUID, limit: int, before: UUID | None = None
) -> Page[InboxMessage]:
    """Return a person's messages, newest first; with `before`, only older ones than that."""
    rows = session.rows(_MESSAGES, (user_id, before or _ID_MAX, limit + 1))
    return pagination.paginate(
        [InboxMessage(*row) for row in rows], limit, lambda message: message.id
    )
