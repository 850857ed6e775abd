"""Verification: what people say about themselves and their companies, and how far they are."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    Choice,
    FileField,
    Flag,
    Instant,
    PublicId,
    Schema,
    Text,
)
from app.blueprints.api.schemas.trade import Money
from app.kyc.evidence.documents import PREFIX as DOCUMENT
from app.kyc.queries import PREFIX
from app.kyc.rules import Purpose, Reason, Status

_LINE_MAX = 100
_STATUS = {
    "description": "`none`: nothing was submitted yet",
    "enum": ["none", *Status],
    "examples": ["approved"],
}


class ResidentialAddress(Schema):
    """Where somebody lives or a company is. What it needs depends on the country."""

    street = Text(_LINE_MAX, required=True, metadata={"examples": ["1600 Amphitheatre Pkwy"]})
    street2 = Text(_LINE_MAX, allow_none=True, metadata={"examples": ["Suite 5"]})
    district = Text(_LINE_MAX, allow_none=True, metadata={"examples": [None]})
    city = Text(_LINE_MAX, allow_none=True, metadata={"examples": ["Mountain View"]})
    state = Text(_LINE_MAX, allow_none=True, metadata={"examples": ["CA"]})
    zip_code = Text(20, allow_none=True, metadata={"examples": ["94043"]})
    country = Text(2, length_min=2, required=True, metadata={"examples": ["US"]})


_DAY = {"format": "date", "examples": ["1985-04-12"]}


class SubmitIdentity(Schema):
    """Who the caller is, as their documents say."""

    first_name = Text(_LINE_MAX, required=True, metadata={"examples": ["Ada"]})
    last_name = Text(_LINE_MAX, required=True, metadata={"examples": ["Lovelace"]})
    date_of_birth = Text(10, required=True, metadata=_DAY)
    address = ma.fields.Nested(ResidentialAddress, required=True)
    id_number = Text(40, allow_none=True, metadata={"examples": ["123-45-6789"]})
    id_type = Text(
        30,
        allow_none=True,
        metadata={
            "description": "ssn, itin, passport, drivers_license or national_id",
            "examples": ["ssn"],
        },
    )


class Licence(Schema):
    """What the company may do, and by whose leave."""

    kind = Text(_LINE_MAX, required=True, metadata={"examples": ["Money transmitter"]})
    number = Text(_LINE_MAX, required=True, metadata={"examples": ["MT-1234"]})
    authority = Text(_LINE_MAX, required=True, metadata={"examples": ["Nevada FID"]})
    expires_on = Text(10, allow_none=True, metadata={"format": "date", "examples": ["2099-12-31"]})


class BeneficialOwner(Schema):
    """Somebody who owns a quarter of the company or more, or who controls it."""

    first_name = Text(_LINE_MAX, required=True, metadata={"examples": ["Ada"]})
    last_name = Text(_LINE_MAX, required=True, metadata={"examples": ["Lovelace"]})
    date_of_birth = Text(10, required=True, metadata=_DAY)
    country = Text(2, length_min=2, required=True, metadata={"examples": ["US"]})
    ownership_percent = Text(
        6,
        required=True,
        metadata={
            "description": "What they own, as a decimal text: 25 or more, unless they control",
            "examples": ["60.00"],
        },
    )
    controls = Flag(load_default=False, metadata={"examples": [True]})


class SubmitBusiness(Schema):
    """A company that the caller acts for, and everybody who owns a quarter of it or controls it."""

    legal_name = Text(_LINE_MAX, required=True, metadata={"examples": ["Analytical Engines LLC"]})
    registration_number = Text(_LINE_MAX, required=True, metadata={"examples": ["E1234567"]})
    entity_type = Text(_LINE_MAX, required=True, metadata={"examples": ["LLC"]})
    incorporated_on = Text(10, allow_none=True, metadata=_DAY)
    tax_id = Text(_LINE_MAX, allow_none=True, metadata={"examples": ["12-3456789"]})
    address = ma.fields.Nested(ResidentialAddress, required=True)
    licences = ma.fields.List(
        ma.fields.Nested(Licence),
        load_default=list,
        error_messages={"invalid": "Send a list."},
    )
    beneficial_owners = ma.fields.List(
        ma.fields.Nested(BeneficialOwner),
        required=True,
        error_messages={"invalid": "Send a list."},
    )


class SendDocument(Schema):
    """A picture (JPEG or PNG) or a PDF, and what it is to show."""

    type = Choice(Purpose, required=True, metadata={"examples": ["identity"]})
    file = FileField(required=True)


class Document(Schema):
    """A document that was sent. Pictures are kept as JPEG, without what cameras write beside."""

    id = PublicId(DOCUMENT, required=True)
    type = Choice(Purpose, required=True, attribute="purpose")
    content_type = ma.fields.String(
        required=True,
        attribute="media_type",
        metadata={"enum": ["image/jpeg", "application/pdf"]},
    )
    size_bytes = ma.fields.Integer(required=True, metadata={"examples": [123456]})
    uploaded_at = Instant(required=True)


class Reasoned(Schema):
    """Why, or what is missing."""

    code = Choice(Reason, required=True)
    message = ma.fields.String(
        required=True, metadata={"examples": ["Send a passport or an identity card."]}
    )


class DailyLimits(Schema):
    """What the caller may do now."""

    daily = ma.fields.Nested(Money, required=True, attribute="daily_limit")
    redemption = ma.fields.Boolean(required=True, attribute="may_redeem")


class VerificationStep(Schema):
    """Another verification than the one that counts."""

    id = PublicId(PREFIX, required=True)
    status = ma.fields.String(required=True, metadata=_STATUS)
    submitted_at = Instant(required=True)
    decided_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)
    reasons = ma.fields.List(ma.fields.Nested(Reasoned), required=True)


class Verified(Schema):
    """How far the caller is verified.

    `renewal` is a later submission that is not decided in the caller's favour; `upgrade` the review
    for tier 3; `missing` what the next tier needs.
    """

    id = PublicId(PREFIX, required=True, allow_none=True, attribute="identity.id")
    status = ma.fields.String(required=True, attribute="identity.status", metadata=_STATUS)
    tier = ma.fields.Integer(
        required=True,
        attribute="standing.tier",
        metadata={"minimum": 0, "maximum": 3, "examples": [2]},
    )
    limits = ma.fields.Nested(DailyLimits, required=True, attribute="standing")
    submitted_at = Instant(required=True, allow_none=True, attribute="identity.submitted_at")
    decided_at = Instant(required=True, allow_none=True, attribute="identity.decided_at")
    expires_at = Instant(required=True, allow_none=True, attribute="identity.expires_at")
    reasons = ma.fields.List(
        ma.fields.Nested(Reasoned), required=True, attribute="identity.reasons"
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
            "description": "Where the caller goes on at the provider's, while it waits for them",
            "format": "uri",
            "examples": [None],
        },
    )
    documents = ma.fields.List(ma.fields.Nested(Document), required=True)
    renewal = ma.fields.Nested(VerificationStep, required=True, allow_none=True)
    upgrade = ma.fields.Nested(VerificationStep, required=True, allow_none=True)
    business = ma.fields.Nested(VerificationStep, required=True, allow_none=True)
