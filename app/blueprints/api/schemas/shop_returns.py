"""Schemas of returns of goods."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    ApiSchema,
    EnumField,
    PublicIdField,
    TimestampField,
)
from app.blueprints.api.schemas.shop_refunds import RefundItemSchema
from app.shop.locks.rules import LINES_MAX
from app.shop.orders.rules import PREFIX as ORDER_PREFIX
from app.shop.refunds.rules import PREFIX as REFUND_PREFIX
from app.shop.returns.rules import (
    PREFIX,
    Finding,
    ReturnReason,
    ReturnStatus,
    ReturnWay,
    ReturnWish,
)


class ReturnRequestSchema(ApiSchema):
    """What goes back of an order, and why."""

    items = ma.fields.List(
        ma.fields.Nested(RefundItemSchema),
        required=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
        metadata={"description": "Each line once"},
    )
    reason = EnumField(ReturnReason, required=True)
    way = EnumField(
        ReturnWay,
        load_default=ReturnWay.PARCEL,
        metadata={"description": "How the goods go back. What was collected is brought"},
    )
    wish = EnumField(
        ReturnWish,
        load_default=ReturnWish.REFUND,
        metadata={"description": "What is wanted for the goods. Without stock, they are refunded"},
    )


class ReturnedItemSchema(ApiSchema):
    """Units of an item of an order that go back."""

    line = ma.fields.Integer(
        required=True,
        metadata={"description": "Its place among the items, from 1", "examples": [1]},
    )
    sku = ma.fields.String(required=True, metadata={"examples": ["AU-EAGLE-1OZ"]})
    quantity = ma.fields.Integer(
        required=True, attribute="units", metadata={"description": "Units", "examples": [1]}
    )
    serial = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of a bar: its serial", "examples": [None]},
    )


class ReturnEventSchema(ApiSchema):
    """A status that a return took."""

    status = EnumField(ReturnStatus, required=True)
    at = TimestampField(required=True, metadata={"description": "When it took it"})


class ReturnSchema(ApiSchema):
    """A return of goods."""

    id = PublicIdField(PREFIX, required=True)
    number = ma.fields.String(
        required=True,
        metadata={"description": "To say at a branch, and to support", "examples": ["70000001"]},
    )
    order_id = PublicIdField(
        ORDER_PREFIX, required=True, metadata={"description": "The order that the goods are of"}
    )
    status = EnumField(ReturnStatus, required=True)
    reason = EnumField(ReturnReason, required=True)
    way = EnumField(ReturnWay, required=True, metadata={"description": "How the goods go back"})
    wish = EnumField(
        ReturnWish, required=True, metadata={"description": "What is wanted for the goods"}
    )
    items = ma.fields.List(
        ma.fields.Nested(ReturnedItemSchema),
        required=True,
        attribute="parts",
        metadata={"description": "From when the goods arrived, those that came"},
    )
    finding = EnumField(
        Finding,
        required=True,
        allow_none=True,
        metadata={"description": "What the inspection found; null before it"},
    )
    refund_id = PublicIdField(
        REFUND_PREFIX,
        required=True,
        allow_none=True,
        metadata={"description": "What was refunded for it; null without a refund"},
    )
    events = ma.fields.List(
        ma.fields.Nested(ReturnEventSchema),
        required=True,
        metadata={"description": "Its history, oldest first"},
    )
    requested_at = TimestampField(required=True, metadata={"description": "When it was requested"})


class ReturnAnswerSchema(ApiSchema):
    """A return of goods."""

    goods_return = ma.fields.Nested(
        ReturnSchema,
        required=True,
        data_key="return",
        metadata={"description": "With its goods and its history"},
    )


class ReturnsSchema(ApiSchema):
    """The returns of an order, oldest first."""

    data = ma.fields.List(ma.fields.Nested(ReturnSchema), required=True)
