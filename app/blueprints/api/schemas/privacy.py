"""Schemas of consents, data exports and erasure."""

import marshmallow as ma

from app.access.consents import PolicyName
from app.blueprints.api.schemas.auth import (
    POLICY_VERSION_MAX,
    TERMS_VERSION,
    TYPED_LENGTH_MAX,
    VERSION_EXAMPLE,
)
from app.blueprints.api.schemas.fields import (
    ApiSchema,
    ConstantField,
    EnumField,
    PublicIdField,
    StrictBooleanField,
    TextField,
    TimestampField,
    whole_number_between,
)
from app.privacy.rules import ConsentChannel, ConsentState, ExportStatus


class DecideSchema(ApiSchema):
    """The acceptance of a policy, or its withdrawal."""

    policy = EnumField(PolicyName, required=True)
    given = StrictBooleanField(required=True, metadata={"description": "False withdraws a consent"})
    version = ma.fields.Integer(
        strict=True,
        allow_none=True,
        load_default=None,
        validate=whole_number_between(1, POLICY_VERSION_MAX),
        metadata={
            "description": "The version that was read; required to accept",
            **VERSION_EXAMPLE,
        },
    )


class DecisionSchema(ApiSchema):
    """A decision of the caller about a version, and its channel."""

    version = ma.fields.Integer(required=True, metadata=VERSION_EXAMPLE)
    given = ma.fields.Boolean(required=True)
    decided_at = TimestampField(required=True)
    channel = EnumField(ConsentChannel, required=True)


class ConsentSchema(ApiSchema):
    """The consent of the caller to a policy."""

    policy = EnumField(PolicyName, required=True, attribute="policy.name")
    title = TextField(100, required=True, attribute="policy.title")
    required = ma.fields.Boolean(
        required=True,
        attribute="policy.required",
        metadata={"description": "Whether money moves only once it is accepted"},
    )
    state = EnumField(ConsentState, required=True)
    current_version = ma.fields.Integer(
        required=True, attribute="policy.version", metadata=VERSION_EXAMPLE
    )
    url = TextField(
        200,
        required=True,
        metadata={
            "description": "The URL of the current version",
            "examples": [f"/policies/terms/{TERMS_VERSION}"],
        },
    )
    latest = ma.fields.Nested(
        DecisionSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The latest decision; null without any"},
    )


class ConsentsSchema(ApiSchema):
    """The consents to every policy."""

    data = ma.fields.List(ma.fields.Nested(ConsentSchema), required=True)


class ExportSchema(ApiSchema):
    """A data export and its status."""

    id = PublicIdField("exp", required=True)
    status = EnumField(ExportStatus, required=True)
    requested_at = TimestampField(required=True)
    ready_at = TimestampField(required=True, allow_none=True)
    expires_at = TimestampField(required=True, allow_none=True)
    size_bytes = ma.fields.Integer(required=True, allow_none=True, metadata={"examples": [24_000]})
    archive_url = TextField(
        300,
        required=True,
        allow_none=True,
        metadata={
            "description": "The download URL while it is ready, for its owner only",
            "examples": ["/api/me/export/exp_01kadkrz8073yakv4py1c8t5fn/archive?token=1764…"],
        },
    )


class ArchiveQuerySchema(ApiSchema):
    """The token of the signed link."""

    token = TextField(
        200,
        length_min=0,
        load_default="",
        metadata={"description": "The token in `archiveUrl`", "examples": ["1764…"]},
    )


class EraseSchema(ApiSchema):
    """Proof of identity for the erasure."""

    password = TextField(
        TYPED_LENGTH_MAX,
        required=True,
        metadata={"format": "password", "examples": ["correct horse battery"]},
    )
    code = TextField(
        32,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "The second factor, if it is on",
            "examples": ["123456"],
        },
    )


class KeptSchema(ApiSchema):
    """Records that the law requires us to keep."""

    what = TextField(
        1000,
        required=True,
        attribute="description",
        metadata={"examples": ["Conversions: what for what, when"]},
    )
    until = TimestampField(required=True, attribute="retained_until")
    why = TextField(
        1000, required=True, attribute="reason", metadata={"examples": ["31 CFR 1010.430(d)"]}
    )


class ErasedSchema(ApiSchema):
    """The result of an erasure. The kept records no longer identify the caller."""

    status = ConstantField("erased")
    user_id = PublicIdField("usr", required=True)
    erased_at = TimestampField(required=True)
    kept_until = TimestampField(required=True)
    kept = ma.fields.List(ma.fields.Nested(KeptSchema), required=True, attribute="retained")
