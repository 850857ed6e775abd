"""Schemas of what support staff do through the API."""

import marshmallow as ma

from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    EnumField,
    PublicIdField,
    QueryIntegerField,
    TextField,
    TimestampField,
)
from app.cases.rules import NOTE_LENGTH_MAX
from app.helpdesk.customers.rules import CustomerFlag, TimelineKind
from app.helpdesk.search.rules import ResultKind
from app.identity.accounts.rules import AccountStatus


class BacklogSchema(ApiSchema):
    """What waits in one room."""

    work = ma.fields.String(
        attribute="source",
        required=True,
        metadata={"description": "The kind of work", "examples": ["verification"]},
    )
    waiting = ma.fields.Integer(required=True, metadata={"description": "How much waits"})
    late = ma.fields.Integer(
        required=True, metadata={"description": "How much waits longer than its target"}
    )
    oldest_since = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "Since when the oldest waits; null if nothing does"},
    )


class SupportDashboardSchema(ApiSchema):
    """What waits for support, of what one may decide."""

    queue = ma.fields.List(
        ma.fields.Nested(BacklogSchema),
        required=True,
        metadata={"description": "The kinds of work"},
    )


class SupportSearchQuerySchema(ApiSchema):
    """What is looked for."""

    q = TextField(
        320,
        required=True,
        metadata={
            "description": "An ID, email, name, phone or number",
            "examples": ["ada@example.com"],
        },
    )


class SupportResultSchema(ApiSchema):
    """Something that was found."""

    id = ma.fields.String(
        attribute="key",
        required=True,
        metadata={"description": "What names it: an ID, or a SKU", "examples": ["usr_01"]},
    )
    title = ma.fields.String(required=True, metadata={"description": "What it is called"})
    detail = ma.fields.String(required=True, metadata={"description": "More about it"})
    is_exact = ma.fields.Boolean(
        required=True, metadata={"description": "Whether the text is all that it is called by"}
    )


class SupportGroupSchema(ApiSchema):
    """What was found of one kind."""

    kind = EnumField(ResultKind, required=True)
    results = ma.fields.List(
        ma.fields.Nested(SupportResultSchema),
        required=True,
        metadata={"description": "Exact results first, then the latest"},
    )


class SupportSearchSchema(ApiSchema):
    """Everything that was found."""

    data = ma.fields.List(
        ma.fields.Nested(SupportGroupSchema),
        required=True,
        metadata={"description": "By kind"},
    )


class SupportUserSchema(ApiSchema):
    """A customer at a glance."""

    id = PublicIdField("usr", required=True)
    email = ma.fields.String(required=True)
    email_confirmed_at = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "When it was confirmed; null before"},
    )
    first_name = ma.fields.String(required=True)
    last_name = ma.fields.String(required=True)
    phone = ma.fields.String(required=True, allow_none=True)
    phone_verified_at = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "When a code showed that it is theirs; null before"},
    )
    status = EnumField(AccountStatus, required=True)
    created_at = TimestampField(required=True)


class SupportEventSchema(ApiSchema):
    """Something that happened to a customer."""

    kind = EnumField(TimelineKind, required=True)
    id = ma.fields.String(
        attribute="public_id",
        required=True,
        allow_none=True,
        metadata={"description": "Null for what has no page of its own"},
    )
    at = TimestampField(required=True)
    text = ma.fields.String(required=True, metadata={"description": "What it was"})
    status = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Its status now"}
    )


class SupportUserAnswerSchema(ApiSchema):
    """A customer, what to know of them, and what happened last."""

    user = ma.fields.Nested(SupportUserSchema, required=True)
    tier = ma.fields.Integer(required=True, metadata={"description": "0 to 3"})
    daily_limit = AmountField(
        required=True, metadata={"description": "US dollars that may move in 24 hours"}
    )
    flags = ma.fields.List(
        EnumField(CustomerFlag),
        required=True,
        metadata={"description": "What to know before an answer"},
    )
    events = ma.fields.List(
        ma.fields.Nested(SupportEventSchema),
        required=True,
        metadata={"description": "What happened last, newest first"},
    )


class SupportNoteRequestSchema(ApiSchema):
    """A note on a customer."""

    note = TextField(NOTE_LENGTH_MAX, required=True, metadata={"description": "For staff alone"})


class SupportNoteSchema(ApiSchema):
    """A note that was added."""

    id = PublicIdField("cnt", required=True)


class SupportNoteAnswerSchema(ApiSchema):
    """The note that was added."""

    note = ma.fields.Nested(SupportNoteSchema, required=True, metadata={"description": "The note"})


class SupportAuditRecordSchema(ApiSchema):
    """An act on a customer, as the audit trail has it."""

    id = PublicIdField("aud", required=True)
    recorded_at = TimestampField(required=True, metadata={"description": "When it was recorded"})
    action = EnumField(AuditAction, required=True)
    outcome = EnumField(AuditOutcome, required=True)
    actor_id = PublicIdField(
        "usr",
        required=True,
        allow_none=True,
        metadata={"description": "Who did it; null for the system"},
    )
    subject = ma.fields.String(
        required=True, metadata={"description": "The ID of what it was done to"}
    )
    reason = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Why; null if none was given"}
    )


class SupportAuditSchema(ApiSchema):
    """A page of the audit trail about a customer, newest first."""

    data = ma.fields.List(ma.fields.Nested(SupportAuditRecordSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class SupportStatsQuerySchema(ApiSchema):
    """The time that the figures are of."""

    days = QueryIntegerField(
        1, 365, load_default=30, metadata={"description": "Up to now", "examples": [30]}
    )


class TurnaroundSchema(ApiSchema):
    """How often something was done, and how long it took."""

    count = ma.fields.Integer(required=True, metadata={"description": "How often"})
    median_seconds = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Half of them took no longer; null if there were none"},
    )


class PerformanceSchema(ApiSchema):
    """The work of one colleague, or of all."""

    user_id = PublicIdField(
        "usr",
        attribute="person_id",
        required=True,
        allow_none=True,
        metadata={"description": "Null for all together"},
    )
    first_responses = ma.fields.Nested(
        TurnaroundSchema, required=True, metadata={"description": "Work that was touched first"}
    )
    closed_cases = ma.fields.Nested(
        TurnaroundSchema, required=True, metadata={"description": "Cases that were closed"}
    )


class SupportStatsSchema(ApiSchema):
    """How support does: all together first, then each colleague."""

    data = ma.fields.List(ma.fields.Nested(PerformanceSchema), required=True)
