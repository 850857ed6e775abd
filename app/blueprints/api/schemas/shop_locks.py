"""Schemas of price locks."""

from typing import Any, ClassVar

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
        required=True,
        strict=True,
        validate=whole_number_between(1, QUANTITY_MAX),
        metadata={"description": "Units", "examples": [2]},
    )


class LockRequestSchema(ApiSchema):
    """The goods whose prices are locked: items, or those of a cart."""

    items = ma.fields.List(
        ma.fields.Nested(WantedItemSchema),
        validate=ma.validate.Length(min=1, max=LINES_MAX, error=f"Send 1 to {LINES_MAX} items."),
        metadata={"description": "Each SKU once"},
    )
    pickup_branch_id = PublicIdField(
        "brn",
        metadata={
            "description": "A branch that offers pick-up: only units that are there are locked"
        },
    )
    cart_id = TextField(
        80,
        metadata={
            "description": "In place of `items`: your own cart, or one that was filled without a"
            " sign-in",
            "examples": ["crt_mfrggzdfmztwq2lknnwg23tpobyxe43u"],
        },
    )
    coupon_code = TextField(40, metadata={"description": "Not available yet"})
    loyalty_points = ma.fields.Integer(
        strict=True,
        validate=whole_number_between(1, 1_000_000_000),
        metadata={"description": "Not available yet"},
    )

    together: ClassVar = {"oneOf": [{"required": ["items"]}, {"required": ["cartId"]}]}

    @ma.validates_schema
    def _either(self, data: dict[str, Any], **_options: Any) -> None:
        if ("items" in data) is ("cart_id" in data):
            raise ma.ValidationError({"items": ["Send either items or cartId."]})


class LockedItemSchema(ApiSchema):
    """Units of a product at one price."""

    sku = ma.fields.String(required=True)
    quantity = ma.fields.Integer(required=True, metadata={"description": "Units"})
    unit_price = AmountField(required=True, metadata={"description": "In US dollars"})
    total = AmountField(required=True, metadata={"description": "In US dollars"})


class CancelTermsSchema(ApiSchema):
    """What a customer owes who cancels the order once it is paid."""

    fee = AmountField(
        required=True, metadata={"description": "In US dollars", "examples": ["35.00"]}
    )
    offset_percent = ma.fields.Integer(
        required=True,
        metadata={
            "description": "Where between bid (0) and ask (100) the metal is taken back. If that is"
            " below the promised price, the difference is owed; a gain stays with PBCEx",
            "examples": [0],
        },
    )
    vault_hours = ma.fields.Integer(
        required=True,
        metadata={
            "description": "For so many hours an order for the vault can be cancelled; one that"
            " leaves, until its goods are picked",
            "examples": [24],
        },
    )
    in_words = ma.fields.String(required=True, metadata={"description": "The same in words"})


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
    cancel_terms = ma.fields.Nested(CancelTermsSchema, required=True)
