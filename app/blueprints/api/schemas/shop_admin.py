"""Schemas of orders of goods, for staff."""

import marshmallow as ma

from app.approvals.rules import REASON_LENGTH_MAX
from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    EnumField,
    PageQuerySchema,
    PublicIdField,
    QueryIntegerField,
    TextField,
    TimestampField,
)
from app.blueprints.api.schemas.order_tracking import ORDER_NUMBER_MAX
from app.blueprints.api.schemas.shop_orders import GoodsOrderSchema
from app.shop.orders.rules import HoldReason, OrderDecision, OrderStatus
from app.tax.assessment import Delivery


class OrdersQuerySchema(PageQuerySchema):
    """A page of orders, of one customer, status or destination, or with one number."""

    number = QueryIntegerField(
        1, ORDER_NUMBER_MAX, metadata={"description": "For people", "examples": [10_000_001]}
    )
    customer = PublicIdField("usr", data_key="customerId")
    status = EnumField(OrderStatus)
    destination = EnumField(Delivery)


class ListedOrderSchema(ApiSchema):
    """An order of goods in a list."""

    id = PublicIdField("ord", required=True)
    number = ma.fields.String(
        required=True, metadata={"description": "For people", "examples": ["10000001"]}
    )
    customer_id = PublicIdField("usr", required=True, attribute="user_id")
    status = EnumField(OrderStatus, required=True)
    destination = EnumField(Delivery, required=True)
    units = ma.fields.Integer(
        required=True, metadata={"description": "Of all products", "examples": [3]}
    )
    total = AmountField(
        required=True, metadata={"description": "In US dollars", "examples": ["4155.00"]}
    )
    placed_at = TimestampField(required=True)
    paid_at = TimestampField(required=True, allow_none=True)


class ListedOrdersSchema(ApiSchema):
    """A page of orders of goods, newest first."""

    data = ma.fields.List(ma.fields.Nested(ListedOrderSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class StaffOrderSchema(GoodsOrderSchema):
    """An order of goods with its customer."""

    customer_id = PublicIdField("usr", required=True, attribute="user_id")
    hold_reasons = ma.fields.List(
        EnumField(HoldReason),
        required=True,
        metadata={"description": "Why staff look or looked at it; empty if no rule wanted that"},
    )
    held_at = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "Since when it is or was on hold", "examples": [None]},
    )


class StaffOrderAnswerSchema(ApiSchema):
    """An order of goods."""

    order = ma.fields.Nested(StaffOrderSchema, required=True)


class OrderStatusRequestSchema(ApiSchema):
    """The decision about an order on hold."""

    status = EnumField(OrderDecision, required=True)
    reason = TextField(
        REASON_LENGTH_MAX,
        required=True,
        metadata={"description": "Internal", "examples": ["The customer called back."]},
    )


class OrderApprovalSchema(ApiSchema):
    """A request that a second person decides."""

    id = PublicIdField("apr", required=True)


class ReleaseRequestedSchema(ApiSchema):
    """The release waits for a second person."""

    approval = ma.fields.Nested(
        OrderApprovalSchema, required=True, metadata={"description": "Another person decides it"}
    )
