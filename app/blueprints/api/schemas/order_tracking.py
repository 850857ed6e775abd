"""Schemas of tracking an order without signing in."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    ApiSchema,
    EnumField,
    QueryIntegerField,
    TextField,
    TimestampField,
)
from app.blueprints.api.schemas.shop_orders import OrderEventSchema
from app.shop.orders.rules import OrderStatus
from app.tax.assessment import Delivery

#: More than any number of an order.
ORDER_NUMBER_MAX = 10**18


class TrackingQuerySchema(ApiSchema):
    """Which order a person asks about, and how they are known to its customer."""

    number = QueryIntegerField(
        1, ORDER_NUMBER_MAX, required=True, metadata={"examples": [10_000_001]}
    )
    contact = TextField(
        254,
        required=True,
        metadata={
            "description": "The email address, or the verified phone, of the customer",
            "examples": ["ada@example.com"],
        },
    )


class TrackedOrderSchema(ApiSchema):
    """How far an order is."""

    number = ma.fields.String(required=True, metadata={"examples": ["10000001"]})
    status = EnumField(OrderStatus, required=True)
    destination = EnumField(Delivery, required=True)
    history = ma.fields.List(ma.fields.Nested(OrderEventSchema), required=True, attribute="events")
    placed_at = TimestampField(required=True)


class TrackedOrderAnswerSchema(ApiSchema):
    """How far an order is."""

    order = ma.fields.Nested(TrackedOrderSchema, required=True)
