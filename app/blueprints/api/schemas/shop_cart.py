"""Schemas of carts."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    ConstantField,
    EnumField,
    MetalCodeField,
    TextField,
    TimestampField,
    whole_number_between,
)
from app.shop.cart.rules import QUANTITY_MAX, Availability

SKU_LENGTH_MAX = 24
_CART_ID = {
    "description": "Without a sign-in a secret: anyone who has it reads and changes the cart",
    "examples": ["crt_mfrggzdfmztwq2lknnwg23tpobyxe43u"],
}


class NewCartItemSchema(ApiSchema):
    """Units to add to those in a cart."""

    sku = TextField(SKU_LENGTH_MAX, required=True, metadata={"examples": ["AU-EAGLE-1OZ"]})
    quantity = ma.fields.Integer(
        strict=True,
        required=True,
        validate=whole_number_between(1, QUANTITY_MAX),
        metadata={"description": "Units to add", "examples": [2]},
    )


class QuantitySchema(ApiSchema):
    """How many units a cart is to hold."""

    quantity = ma.fields.Integer(
        strict=True,
        required=True,
        validate=whole_number_between(0, QUANTITY_MAX),
        metadata={"description": "0 takes the product out"},
    )


class CartProblemSchema(ApiSchema):
    """Why a line cannot be bought as it is."""

    code = ma.fields.String(required=True, metadata={"description": "A code of an error"})
    message = ma.fields.String(required=True, metadata={"description": "What is wrong, for people"})


class CartLineSchema(ApiSchema):
    """Units of a product in a cart."""

    sku = ma.fields.String(
        required=True, attribute="product.sku", metadata={"examples": ["AU-EAGLE-1OZ"]}
    )
    slug = ma.fields.String(
        required=True, attribute="product.slug", metadata={"description": "Its name in URLs"}
    )
    name = ma.fields.String(required=True, attribute="product.name")
    metal = MetalCodeField(required=True, attribute="product.metal")
    quantity = ma.fields.Integer(required=True, metadata={"description": "Units in the cart"})
    unit_price = AmountField(
        required=True,
        allow_none=True,
        metadata={
            "description": "What one unit costs now, at this quantity; null while it has no price",
            "examples": ["4158.30"],
        },
    )
    total = AmountField(
        required=True,
        allow_none=True,
        metadata={"description": "What all units cost now", "examples": ["8316.60"]},
    )
    availability = EnumField(Availability, required=True)
    available = ma.fields.Integer(
        required=True, metadata={"description": "Units that are for sale and not reserved"}
    )
    problems = ma.fields.List(
        ma.fields.Nested(CartProblemSchema),
        required=True,
        metadata={"description": "Why it cannot be bought as it is; none if it can"},
    )


class CartSchema(ApiSchema):
    """A cart as it is now. Nothing in it is reserved, and no price is kept."""

    id = ma.fields.String(required=True, attribute="public_id", metadata=_CART_ID)
    items = ma.fields.List(
        ma.fields.Nested(CartLineSchema),
        required=True,
        metadata={"description": "In the order in which they were added"},
    )
    currency = ConstantField("USD")
    total = AmountField(
        required=True,
        allow_none=True,
        metadata={
            "description": "What all items cost now, without tax and shipping; null while one has"
            " no price",
            "examples": ["8316.60"],
        },
    )
    updated_at = TimestampField(required=True, attribute="changed_at")
    expires_at = TimestampField(
        required=True, metadata={"description": "30 days after its last change"}
    )
