"""Schemas of messages."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import ApiSchema, PublicIdField, TimestampField


class MessageSchema(ApiSchema):
    """A message in the inbox. `readAt` is null until it is read."""

    id = PublicIdField("msg", required=True)
    kind = ma.fields.String(required=True, metadata={"examples": ["trade_confirmed"]})
    subject = ma.fields.String(required=True)
    body = ma.fields.String(required=True, metadata={"description": "Plain text"})
    created_at = TimestampField(required=True)
    read_at = TimestampField(required=True, allow_none=True)


class MessagesSchema(ApiSchema):
    """A page of messages, newest first."""

    data = ma.fields.List(ma.fields.Nested(MessageSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
