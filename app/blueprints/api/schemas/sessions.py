"""Schemas of login sessions."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import ApiSchema, PublicIdField, TextField, TimestampField
from app.identity.sign_in.sessions import DEVICE_LENGTH_MAX


class LoginSessionSchema(ApiSchema):
    """A login session: where and when a person signed in."""

    id = PublicIdField("ses", required=True, attribute="login_session.id")
    is_current = ma.fields.Boolean(
        required=True, metadata={"description": "Whether this request belongs to it"}
    )
    network = TextField(
        DEVICE_LENGTH_MAX,
        required=True,
        allow_none=True,
        attribute="login_session.network",
        metadata={
            "description": "The IP address of the sign-in, or its /64 network",
            "examples": ["203.0.113.7"],
        },
    )
    user_agent = TextField(
        DEVICE_LENGTH_MAX,
        required=True,
        allow_none=True,
        attribute="login_session.browser",
        metadata={
            "description": "What the program called itself at sign-in",
            "examples": ["PBCEx/4.2 (Android 15)"],
        },
    )
    created_at = TimestampField(required=True, attribute="login_session.began_at")
    last_used_at = TimestampField(
        required=True,
        attribute="login_session.seen_at",
        metadata={"description": "When its tokens were last refreshed"},
    )
    expires_at = TimestampField(required=True, attribute="login_session.expires_at")


class LoginSessionsSchema(ApiSchema):
    """A page of active login sessions, newest first."""

    data = ma.fields.List(ma.fields.Nested(LoginSessionSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
