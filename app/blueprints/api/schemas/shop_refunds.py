"""Schemas of cancelling orders, and of refunds."""

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    EnumField,
    PublicIdField,
    TimestampField,
)
from app.funding.states import CardRefundStatus
from app.shop.orders.rules import OrderPaymentMethod
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
