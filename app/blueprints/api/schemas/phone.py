"""Schemas of the verification of a phone."""

from app.blueprints.api.schemas.fields import ApiSchema, TextField, TimestampField


class SentCodeSchema(ApiSchema):
    """A code is on its way to the phone."""

    phone = TextField(32, required=True, metadata={"examples": ["+12025550123"]})
    expires_at = TimestampField(required=True)


class PhoneCodeSchema(ApiSchema):
    """The code of the text message."""

    code = TextField(32, required=True, metadata={"examples": ["123456"]})
