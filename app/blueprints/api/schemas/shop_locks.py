"""Schemas of price locks."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    PublicIdField,
    TextField,
    TimestampField,
    whole_number_between,
)
from app.shop.locks.rules import LINES_MAX, LOCK_PREFIX
from app.shop.prices.rules import QUANTITY_MAX

_SKU_LENGTH_MAX = 24


class WantedItemSchema(ApiSchema):
    """Units of a product."""

    sku = TextField(_SKU_LENGTH_MAX, required=True, metadata={"examples": ["AU-EAGLE-1OZ"]})
    quantity = ma.fields.Integer(
        required=True, strict=True, validate=whole_number_between(1, QUANTITY_MAX)
    )


class LockRequestSchema(ApiSchema):
    """The goods whose prices are locked."""

    items = ma.fields.List(
        ma.fields.Nested(WantedItemSchema),
        required=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX, error=f"Send 1 to {LINES_MAX} items."),
        metadata={"description": "Each SKU once"},
    )
    pickup_branch_id = PublicIdField(
        "brn",
        metadata={
            "description": "A branch that offers pick-up: only units that are there are locked"
        },
    )


class LockedItemSchema(ApiSchema):
    """Units of a product at one price."""

    sku = ma.fields.String(required=True)
    quantity = ma.fields.Integer(required=True)
    unit_price = AmountField(required=True, metadata={"description": "In US dollars"})
    total = AmountField(required=True, metadata={"description": "In US dollars"})


class PriceLockSchema(ApiSchema):
    """Prices and units that are kept until `expiresAt`."""

    quote_id = PublicIdField(LOCK_PREFIX, required=True, attribute="id")
    items = ma.fields.List(
        ma.fields.Nested(LockedItemSchema),
        required=True,
        attribute="lines",
        metadata={"description": "A bar with a weight of its own is an item with its own price"},
    )
    total = AmountField(
        required=True, metadata={"description": "In US dollars, before tax and shipping"}
    )
    expires_at = TimestampField(required=True)
