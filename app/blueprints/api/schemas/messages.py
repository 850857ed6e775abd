"""What messages look like on the wire."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import Instant, PublicId, Schema


class Message(Schema):
    """A message to its reader. `readAt` is null until it was read."""

    id = PublicId("msg", required=True)
    kind = ma.fields.String(required=True, metadata={"examples": ["trade_confirmed"]})
    subject = ma.fields.String(required=True)
    body = ma.fields.String(required=True, metadata={"description": "Plain text"})
    created_at = Instant(required=True)
    read_at = Instant(required=True, allow_none=True)


class Messages(Schema):
    """A page of messages, newest first."""

    data = ma.fields.List(ma.fields.Nested(Message), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
