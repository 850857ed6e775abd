"""Consents, copies of what is held on the caller, and being erased."""

import marshmallow as ma

from app.blueprints.api.schemas.auth import POLICY_VERSION_MAX, TYPED_LENGTH_MAX
from app.blueprints.api.schemas.fields import (
    Choice,
    Fixed,
    Flag,
    Instant,
    PublicId,
    Schema,
    Text,
    between,
)
from app.privacy.rules import ConsentChannel, ConsentState, ExportStatus, PolicyName

_VERSION = {"examples": [1]}


class Decide(Schema):
    """What the caller agrees to, or not any more."""

    policy = Choice(PolicyName, required=True)
    given = Flag(required=True, metadata={"description": "false takes a consent back"})
    version = ma.fields.Integer(
        strict=True,
        allow_none=True,
        load_default=None,
        validate=between(1, POLICY_VERSION_MAX),
        metadata={"description": "The version that was read; required to agree", **_VERSION},
    )


class Decision(Schema):
    """What the caller decided about a version, and where."""

    version = ma.fields.Integer(required=True, metadata=_VERSION)
    given = ma.fields.Boolean(required=True)
    decided_at = Instant(required=True)
    channel = Choice(ConsentChannel, required=True)


class Consent(Schema):
    """How the caller stands to a policy."""

    policy = Choice(PolicyName, required=True, attribute="policy.name")
    title = Text(100, required=True, attribute="policy.title")
    required = ma.fields.Boolean(
        required=True,
        attribute="policy.required",
        metadata={"description": "Whether there is no account without it"},
    )
    state = Choice(ConsentState, required=True)
    current_version = ma.fields.Integer(
        required=True, attribute="policy.version", metadata=_VERSION
    )
    url = Text(
        200,
        required=True,
        metadata={
            "description": "Where the current version can be read",
            "examples": ["/policies/terms/1"],
        },
    )
    latest = ma.fields.Nested(
        Decision,
        required=True,
        allow_none=True,
        metadata={"description": "The latest decision about it; null without any"},
    )


class Consents(Schema):
    """Every policy, as the caller stands to it."""

    data = ma.fields.List(ma.fields.Nested(Consent), required=True)


class Export(Schema):
    """A copy that was asked for, and how far it is."""

    id = PublicId("exp", required=True)
    status = Choice(ExportStatus, required=True)
    requested_at = Instant(required=True)
    ready_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)
    size_bytes = ma.fields.Integer(required=True, allow_none=True, metadata={"examples": [24_000]})
    archive_url = Text(
        300,
        required=True,
        allow_none=True,
        metadata={
            "description": "While it is ready: where the caller, and nobody else, fetches it",
            "examples": ["/api/me/export/exp_01kadkrz8073yakv4py1c8t5fn/archive?token=1764…"],
        },
    )


class ArchiveQuery(Schema):
    """What the signed link carries."""

    token = Text(
        200,
        length_min=0,
        load_default="",
        metadata={"description": "As it stands in `archiveUrl`", "examples": ["1764…"]},
    )


class Erase(Schema):
    """Fresh proof of who asks."""

    password = Text(
        TYPED_LENGTH_MAX,
        required=True,
        metadata={"format": "password", "examples": ["correct horse battery"]},
    )
    code = Text(
        32,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "The second factor, for those who have one",
            "examples": ["123456"],
        },
    )


class Kept(Schema):
    """Something that the law keeps."""

    what = Text(
        1000,
        required=True,
        attribute="description",
        metadata={"examples": ["Conversions: what for what, when"]},
    )
    until = Instant(required=True, attribute="retained_until")
    why = Text(
        1000, required=True, attribute="reason", metadata={"examples": ["31 CFR 1010.430(d)"]}
    )


class Erased(Schema):
    """Who the caller was is gone, with every way in; what is kept leads to nobody."""

    status = Fixed("erased")
    user_id = PublicId("usr", required=True)
    erased_at = Instant(required=True)
    kept_until = Instant(required=True)
    kept = ma.fields.List(ma.fields.Nested(Kept), required=True, attribute="retained")
