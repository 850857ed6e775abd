"""Schemas of verification: submissions, documents and status."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    ApiSchema,
    CodesField,
    CountryField,
    EnumField,
    FileField,
    PublicIdField,
    StrictBooleanField,
    TextField,
    TimestampField,
)
from app.blueprints.api.schemas.trade import MoneySchema
from app.blueprints.openapi_enums import describe_members
from app.kyc.evidence.documents import PREFIX as DOCUMENT
from app.kyc.queries import PREFIX
from app.kyc.rules import DocumentPurpose, DocumentState, ReasonCode, VerificationStatus

_LINE_MAX = 100
_STATUSES = {"none": "Nothing submitted yet.", **describe_members(VerificationStatus)}


class ResidentialAddressSchema(ApiSchema):
    """The postal address of a person or company. The required fields depend on the country."""

    street = TextField(_LINE_MAX, required=True, metadata={"examples": ["1600 Amphitheatre Pkwy"]})
    street2 = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["Suite 5"]})
    district = TextField(_LINE_MAX, allow_none=True, metadata={"examples": [None]})
    city = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["Mountain View"]})
    state = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["CA"]})
    zip_code = TextField(20, allow_none=True, metadata={"examples": ["94043"]})
    country = CountryField(required=True)


_DAY = {"format": "date", "examples": ["1985-04-12"]}


class SubmitIdentitySchema(ApiSchema):
    """The identity of the caller, as on their documents."""

    first_name = TextField(_LINE_MAX, required=True, metadata={"examples": ["Ada"]})
    last_name = TextField(_LINE_MAX, required=True, metadata={"examples": ["Lovelace"]})
    date_of_birth = TextField(10, required=True, metadata=_DAY)
    address = ma.fields.Nested(ResidentialAddressSchema, required=True)
    id_number = TextField(40, allow_none=True, metadata={"examples": ["123-45-6789"]})
    id_type = TextField(
        30,
        allow_none=True,
        metadata={
            "description": "ssn, itin, passport, drivers_license or national_id",
            "examples": ["ssn"],
        },
    )


class LicenceSchema(ApiSchema):
    """A licence of the company."""

    kind = TextField(_LINE_MAX, required=True, metadata={"examples": ["Money transmitter"]})
    number = TextField(_LINE_MAX, required=True, metadata={"examples": ["MT-1234"]})
    authority = TextField(_LINE_MAX, required=True, metadata={"examples": ["Nevada FID"]})
    expires_on = TextField(
        10, allow_none=True, metadata={"format": "date", "examples": ["2099-12-31"]}
    )


class BeneficialOwnerSchema(ApiSchema):
    """A person who owns 25 percent or more of the company, or who controls it."""

    first_name = TextField(_LINE_MAX, required=True, metadata={"examples": ["Ada"]})
    last_name = TextField(_LINE_MAX, required=True, metadata={"examples": ["Lovelace"]})
    date_of_birth = TextField(10, required=True, metadata=_DAY)
    country = CountryField(required=True)
    ownership_percent = TextField(
        6,
        required=True,
        metadata={
            "description": "A decimal string: 25 or more, unless the person controls the company",
            "examples": ["60.00"],
        },
    )
    controls = StrictBooleanField(load_default=False, metadata={"examples": [True]})


class SubmitBusinessSchema(ApiSchema):
    """A company that the caller acts for, with its beneficial owners."""

    legal_name = TextField(
        _LINE_MAX, required=True, metadata={"examples": ["Analytical Engines LLC"]}
    )
    registration_number = TextField(_LINE_MAX, required=True, metadata={"examples": ["E1234567"]})
    entity_type = TextField(_LINE_MAX, required=True, metadata={"examples": ["LLC"]})
    incorporated_on = TextField(10, allow_none=True, metadata=_DAY)
    tax_id = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["12-3456789"]})
    address = ma.fields.Nested(ResidentialAddressSchema, required=True)
    licences = ma.fields.List(
        ma.fields.Nested(LicenceSchema),
        load_default=list,
        error_messages={"invalid": "Send a list."},
    )
    beneficial_owners = ma.fields.List(
        ma.fields.Nested(BeneficialOwnerSchema),
        required=True,
        error_messages={"invalid": "Send a list."},
    )


class SendDocumentSchema(ApiSchema):
    """A document (a picture or a PDF) and what it proves."""

    type = EnumField(DocumentPurpose, required=True, metadata={"examples": ["identity"]})
    file = FileField(required=True)


class DocumentSchema(ApiSchema):
    """An uploaded document. Its pages are kept as JPEG pictures, without metadata of the camera.

    Nothing is kept of a refused one.
    """

    id = PublicIdField(DOCUMENT, required=True)
    type = EnumField(DocumentPurpose, required=True, attribute="purpose")
    content_type = CodesField(
        {"image/jpeg": "A picture.", "application/pdf": "A PDF."},
        required=True,
        attribute="media_type",
    )
    size_bytes = ma.fields.Integer(
        required=True,
        metadata={"description": "The size of the file as it was sent", "examples": [123456]},
    )
    uploaded_at = TimestampField(required=True)
    state = EnumField(DocumentState, required=True, metadata={"examples": ["accepted"]})
    message = ma.fields.String(
        required=True,
        metadata={
            "description": "What the state means, and what to do",
            "examples": ["We can read it: 1 page."],
        },
    )
    pages = ma.fields.Integer(
        required=True,
        allow_none=True,
        attribute="page_count",
        metadata={"description": "null until the document is accepted", "examples": [1]},
    )


class ReasonedSchema(ApiSchema):
    """A reason for a decision, or what is missing."""

    code = EnumField(ReasonCode, required=True)
    message = ma.fields.String(
        required=True, metadata={"examples": ["Send a passport or an identity card."]}
    )


class DailyLimitsSchema(ApiSchema):
    """The limits of the caller's tier for 24 hours, and what is left of them."""

    daily = ma.fields.Nested(MoneySchema, required=True, attribute="daily_limit")
    deposits_left = ma.fields.Nested(MoneySchema, required=True)
    withdrawals_left = ma.fields.Nested(MoneySchema, required=True)
    redemption = ma.fields.Boolean(
        required=True,
        attribute="may_redeem",
        metadata={"description": "Whether the tier allows redemption, which is not offered yet"},
    )


class VerificationStepSchema(ApiSchema):
    """A verification beside the current one."""

    id = PublicIdField(PREFIX, required=True)
    status = CodesField(_STATUSES, required=True)
    submitted_at = TimestampField(required=True)
    decided_at = TimestampField(required=True, allow_none=True)
    expires_at = TimestampField(required=True, allow_none=True)
    reasons = ma.fields.List(ma.fields.Nested(ReasonedSchema), required=True)


class VerifiedSchema(ApiSchema):
    """The verification status of the caller.

    `renewal` is a later submission that is not approved (yet), `upgrade` the review for tier 3,
    `missing` what the next tier needs.
    """

    id = PublicIdField(PREFIX, required=True, allow_none=True, attribute="identity.id")
    status = CodesField(_STATUSES, required=True, attribute="identity.status")
    tier = ma.fields.Integer(
        required=True,
        attribute="tier_status.tier",
        metadata={"minimum": 0, "maximum": 3, "examples": [2]},
    )
    limits = ma.fields.Nested(DailyLimitsSchema, required=True)
    submitted_at = TimestampField(required=True, allow_none=True, attribute="identity.submitted_at")
    decided_at = TimestampField(required=True, allow_none=True, attribute="identity.decided_at")
    expires_at = TimestampField(required=True, allow_none=True, attribute="identity.expires_at")
    reasons = ma.fields.List(
        ma.fields.Nested(ReasonedSchema), required=True, attribute="identity.reasons"
    )
    missing = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"examples": [["document:address", "document:funds"]]},
    )
    verification_url = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Where the caller continues at the provider, while it waits for them",
            "format": "uri",
            "examples": [None],
        },
    )
    documents = ma.fields.List(ma.fields.Nested(DocumentSchema), required=True)
    renewal = ma.fields.Nested(VerificationStepSchema, required=True, allow_none=True)
    upgrade = ma.fields.Nested(VerificationStepSchema, required=True, allow_none=True)
    business = ma.fields.Nested(VerificationStepSchema, required=True, allow_none=True)
