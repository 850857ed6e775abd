"""Schemas of parcels on their way to a customer."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import ApiSchema, EnumField
from app.fulfillment.carriers.rules import Carrier, TrackingStatus


class SentParcelSchema(ApiSchema):
    """A parcel with its tracking number."""

    carrier = EnumField(Carrier, required=True)
    tracking_number = ma.fields.String(
        required=True,
        metadata={"description": "The carrier's", "examples": ["794644790132"]},
    )
    tracking_url = ma.fields.Url(
        required=True,
        metadata={
            "description": "The page of the carrier that shows it",
            "examples": ["https://www.fedex.com/fedextrack/?trknbr=794644790132"],
        },
    )
    status = EnumField(
        TrackingStatus,
        required=True,
        allow_none=True,
        metadata={"description": "Where it is; null until the carrier knows the number"},
    )
