"""Schemas of the administration API."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    ApiSchema,
    EnumField,
    MetalCodeField,
    SignedAmountField,
    TimestampField,
)
from app.hedging.rules import BandStatus

_USD = {"examples": ["-8012.40"]}


class BandSchema(ApiSchema):
    """The range of net ounces in which no hedge is needed, both ends included."""

    low = SignedAmountField(required=True, metadata={"examples": ["-100.00000000"]})
    high = SignedAmountField(required=True, metadata={"examples": ["100.00000000"]})


class MetalExposureSchema(ApiSchema):
    """The exposure in one metal, in troy ounces."""

    metal = MetalCodeField(required=True)
    customer_liabilities = SignedAmountField(
        required=True,
        metadata={
            "examples": ["2.00000000"],
            "description": "What customers own in every asset of the metal: AU is XAU-s and PAXG",
        },
    )
    open_quotes = SignedAmountField(
        required=True,
        metadata={
            "examples": ["0.00000000"],
            "description": "What filling every unexpired quote would add to customerLiabilities: "
            "metal that customers would receive, less metal that they would give",
        },
    )
    vault = SignedAmountField(required=True, metadata={"examples": ["0.00000000"]})
    custody = SignedAmountField(required=True, metadata={"examples": ["0.00000000"]})
    in_transit = SignedAmountField(required=True, metadata={"examples": ["0.00000000"]})
    hedged = SignedAmountField(required=True, metadata={"examples": ["0.00000000"]})
    net = SignedAmountField(
        required=True,
        metadata={
            "description": "vault + custody + inTransit + hedged - customerLiabilities - "
            "openQuotes: negative is short"
        },
    )
    net_usd = SignedAmountField(
        required=True,
        allow_none=True,
        metadata={**_USD, "description": "At the mid price; null without a price"},
    )
    band = ma.fields.Nested(BandSchema, required=True)
    status = EnumField(BandStatus, required=True)


class ExposureSchema(ApiSchema):
    """The exposure in every metal at one moment."""

    as_of = TimestampField(required=True)
    metals = ma.fields.List(ma.fields.Nested(MetalExposureSchema), required=True)
    total_net_usd = SignedAmountField(
        required=True,
        allow_none=True,
        metadata={**_USD, "description": "Null while a metal with an exposure has no price"},
    )
