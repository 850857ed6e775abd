"""Schemas of cancelling orders, and of refunds."""

from typing import Any

import marshmallow as ma

from app.approvals.rules import REASON_LENGTH_MAX
from app.blueprints.api.schemas.addresses import DeliveryAddressSchema
from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    EnumField,
    PublicIdField,
    TextField,
    TimestampField,
    whole_number_between,
)
from app.funding.states import CardRefundStatus
from app.shop.locks.rules import LINES_MAX
from app.shop.orders.rules import OrderPaymentMethod
from app.shop.prices.rules import QUANTITY_MAX
from app.shop.refunds.rules import PREFIX, RefundCause, RefundDestination

_USD = {"description": "In US dollars", "examples": ["4155.00"]}


class RefundTermsSchema(ApiSchema):
    """What cancelling gives back. Amounts are in US dollars."""

    goods = AmountField(required=True, metadata=_USD)
    tax = AmountField(required=True, metadata=_USD)
    shipping = AmountField(required=True, metadata=_USD)
    insurance = AmountField(required=True, metadata=_USD)
    loss = AmountField(
        required=True,
        metadata={
            "description": "What the metal lost from its promised price. A gain is no loss",
            "examples": ["100.00"],
        },
    )
    fee = AmountField(required=True, metadata={"examples": ["35.00"]})
    refund = AmountField(required=True, attribute="received", metadata=_USD)
    owed = AmountField(
        required=True,
        metadata={
            "description": "What is owed if loss and fee are more than was paid",
            "examples": ["0.00"],
        },
    )


class CancellationAnswerSchema(ApiSchema):
    """What cancelling an order now would give back."""

    cancellation = ma.fields.Nested(
        RefundTermsSchema, required=True, metadata={"description": "At the prices of now"}
    )


class RefundItemSchema(ApiSchema):
    """Units of an item of an order."""

    line = ma.fields.Integer(
        required=True,
        strict=True,
        validate=whole_number_between(1, LINES_MAX),
        metadata={"description": "Its place among the items, from 1", "examples": [1]},
    )
    quantity = ma.fields.Integer(
        required=True,
        strict=True,
        validate=whole_number_between(1, QUANTITY_MAX),
        metadata={"description": "Units", "examples": [1]},
    )


class ChangedItemSchema(ApiSchema):
    """Fewer units of an item of an order."""

    line = ma.fields.Integer(
        required=True,
        strict=True,
        validate=whole_number_between(1, LINES_MAX),
        metadata={"description": "Its place among the items, from 1", "examples": [1]},
    )
    quantity = ma.fields.Integer(
        required=True,
        strict=True,
        validate=whole_number_between(0, QUANTITY_MAX),
        metadata={"description": "Units that are left; 0 removes it", "examples": [1]},
    )


class ReductionPreviewRequestSchema(ApiSchema):
    """Which items of an order are to have fewer units."""

    items = ma.fields.List(
        ma.fields.Nested(ChangedItemSchema),
        required=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
        metadata={"description": "Those that change, each once"},
    )

    @ma.validates_schema
    def _check_lines(self, data: dict[str, Any], **_options: Any) -> None:
        items = data.get("items", [])
        if len({item["line"] for item in items}) < len(items):
            raise ma.ValidationError("Send each line once.", "items")


class OrderChangeRequestSchema(ReductionPreviewRequestSchema):
    """What to change of an order: items or the address."""

    items = ma.fields.List(
        ma.fields.Nested(ChangedItemSchema),
        validate=ma.validate.Length(min=1, max=LINES_MAX),
        metadata={"description": "Those that change, each once"},
    )
    shipping_address = ma.fields.Nested(
        DeliveryAddressSchema, metadata={"description": "In place of the address of the order"}
    )

    @ma.validates_schema
    def _check_one(self, data: dict[str, Any], **_options: Any) -> None:
        if ("items" in data) is ("shipping_address" in data):
            raise ma.ValidationError("Send items or shippingAddress.", "items")


class RefundRequestSchema(ApiSchema):
    """What to refund of an order."""

    items = ma.fields.List(
        ma.fields.Nested(RefundItemSchema),
        required=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
        metadata={"description": "Each line once"},
    )
    with_shipping = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Whether shipping and insurance go back too", "examples": [False]},
    )
    reason = TextField(
        REASON_LENGTH_MAX,
        required=True,
        metadata={"description": "Internal", "examples": ["One coin was scratched."]},
    )


class RefundApprovalSchema(ApiSchema):
    """A request that a second person decides."""

    id = PublicIdField("apr", required=True)


class RefundRequestedSchema(ApiSchema):
    """The refund waits for a second person."""

    approval = ma.fields.Nested(
        RefundApprovalSchema, required=True, metadata={"description": "Another person decides it"}
    )


class RefundPaymentSchema(ApiSchema):
    """What went back of a payment."""

    method = EnumField(OrderPaymentMethod, required=True)
    destination = EnumField(RefundDestination, required=True)
    amount = AmountField(required=True, metadata=_USD)


class CardRefundSchema(ApiSchema):
    """How far the refund to a card is."""

    status = EnumField(CardRefundStatus, required=True)
    amount = AmountField(required=True, metadata=_USD)


class RefundSchema(ApiSchema):
    """Money of an order that was given back. Amounts are in US dollars."""

    id = PublicIdField(PREFIX, required=True)
    cause = EnumField(RefundCause, required=True, metadata={"description": "Why it went back"})
    goods = AmountField(required=True, metadata=_USD)
    tax = AmountField(
        required=True,
        metadata={
            "description": "Below zero where what was kept is taxed after all",
            "examples": ["0.00"],
        },
    )
    shipping = AmountField(
        required=True, metadata={"description": "With its insurance", "examples": ["0.00"]}
    )
    loss = AmountField(
        required=True,
        metadata={"description": "What the metal lost, of a cancellation", "examples": ["0.00"]},
    )
    fee = AmountField(required=True, metadata={"examples": ["0.00"]})
    total = AmountField(
        required=True,
        metadata={"description": "Below zero: what was owed", "examples": ["4155.00"]},
    )
    payments = ma.fields.List(
        ma.fields.Nested(RefundPaymentSchema),
        required=True,
        metadata={"description": "To which payments it went back"},
    )
    cards = ma.fields.List(
        ma.fields.Nested(CardRefundSchema),
        required=True,
        metadata={"description": "How far the refund to the card is"},
    )
    refunded_at = TimestampField(required=True, metadata={"description": "When it was given back"})


class RefundsSchema(ApiSchema):
    """The refunds of an order, oldest first."""

    data = ma.fields.List(ma.fields.Nested(RefundSchema), required=True)
