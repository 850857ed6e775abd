"""Schemas of the API of restock."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    EnumField,
    PublicIdField,
    TextField,
    TimestampField,
    whole_number_between,
)
from app.fulfillment.restock.purchase_orders.rules import PREFIX, PurchaseStatus

_LINES_MAX, _UNITS_MAX = 50, 1_000_000


class RestockItemSchema(ApiSchema):
    """Units of a product to buy."""

    sku = TextField(24, required=True, metadata={"examples": ["AU-EAGLE-1OZ"]})
    quantity = ma.fields.Integer(
        required=True,
        strict=True,
        validate=whole_number_between(1, _UNITS_MAX),
        metadata={"description": "Units", "examples": [5]},
    )


class RestockRequestSchema(ApiSchema):
    """What to buy for a location."""

    location = TextField(
        16,
        required=True,
        metadata={"description": "The code of the location", "examples": ["NYC-VAULT"]},
    )
    items = ma.fields.List(
        ma.fields.Nested(RestockItemSchema),
        required=True,
        validate=ma.validate.Length(min=1, max=_LINES_MAX),
        metadata={"description": "Each SKU once"},
    )


class BoughtItemSchema(ApiSchema):
    """Units of a product in a purchase order."""

    sku = ma.fields.String(required=True)
    quantity = ma.fields.Integer(
        required=True, attribute="units", metadata={"description": "Units that are bought"}
    )
    received = ma.fields.Integer(
        required=True,
        attribute="received_units",
        metadata={"description": "Units of them that have arrived"},
    )


class PurchaseOrderSchema(ApiSchema):
    """An order to a supplier for one location."""

    id = PublicIdField(PREFIX, required=True)
    number = ma.fields.String(
        required=True, metadata={"description": "For people", "examples": ["70000001"]}
    )
    supplier = ma.fields.String(
        required=True, metadata={"description": "Its name", "examples": ["Dillon Gage"]}
    )
    location = ma.fields.String(
        required=True,
        attribute="location_code",
        metadata={"description": "The code of the location", "examples": ["NYC-VAULT"]},
    )
    status = EnumField(
        PurchaseStatus,
        required=True,
        metadata={"description": "`held` until a second person approves what it may cost"},
    )
    estimate = AmountField(
        required=True,
        metadata={
            "description": "What it may cost in US dollars: its metal at the market, and a margin"
            " for premiums",
            "examples": ["22044.00"],
        },
    )
    items = ma.fields.List(
        ma.fields.Nested(BoughtItemSchema), required=True, attribute="lines",
        metadata={"description": "Each SKU once"},
    )  # fmt: skip
    planned_at = TimestampField(required=True, metadata={"description": "When it was planned"})


class PlannedPurchasesSchema(ApiSchema):
    """The purchase orders that were planned, one for each supplier and location."""

    orders = ma.fields.List(
        ma.fields.Nested(PurchaseOrderSchema),
        required=True,
        metadata={"description": "Empty if nothing was planned"},
    )
