"""What staff read about the house on the wire."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    Choice,
    Instant,
    MetalCode,
    Schema,
    SignedAmountText,
)
from app.hedging.rules import BandStatus

_USD = {"examples": ["-8012.40"]}


class Band(Schema):
    """Between which net ounces nothing needs to be done; both ends are inside."""

    low = SignedAmountText(required=True, metadata={"examples": ["-100.00000000"]})
    high = SignedAmountText(required=True, metadata={"examples": ["100.00000000"]})


class MetalExposure(Schema):
    """One metal in troy ounces: what is there, and what is owed."""

    metal = MetalCode(required=True)
    customer_liabilities = SignedAmountText(
        required=True,
        metadata={
            "examples": ["2.00000000"],
            "description": "What customers own in every asset that stands for the metal: "
            "AU is XAU-s and PAXG",
        },
    )
    open_quotes = SignedAmountText(
        required=True,
        metadata={
            "examples": ["0.00000000"],
            "description": "What filling every unexpired quote would add to customerLiabilities: "
            "metal that customers would receive, less metal that they would give",
        },
    )
    vault = SignedAmountText(required=True, metadata={"examples": ["0.00000000"]})
    custody = SignedAmountText(required=True, metadata={"examples": ["0.00000000"]})
    in_transit = SignedAmountText(required=True, metadata={"examples": ["0.00000000"]})
    hedged = SignedAmountText(required=True, metadata={"examples": ["0.00000000"]})
    net = SignedAmountText(
        required=True,
        metadata={
            "description": "vault + custody + inTransit + hedged - customerLiabilities - "
            "openQuotes: negative is short"
        },
    )
    net_usd = SignedAmountText(
        required=True,
        allow_none=True,
        metadata={**_USD, "description": "At the middle of the market; null without a price"},
    )
    band = ma.fields.Nested(Band, required=True)
    status = Choice(BandStatus, required=True)


class Exposure(Schema):
    """Every metal at one moment."""

    as_of = Instant(required=True)
    metals = ma.fields.List(ma.fields.Nested(MetalExposure), required=True)
    total_net_usd = SignedAmountText(
        required=True,
        allow_none=True,
        metadata={**_USD, "description": "null while a metal that is not zero has no price"},
    )
