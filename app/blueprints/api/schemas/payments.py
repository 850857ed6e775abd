"""Schemas of deposits and withdrawals."""

from typing import Any, ClassVar

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    AssetCodeField,
    EnumField,
    PublicIdField,
    TextField,
    TimestampField,
    parse_amount,
)
from app.catalog.rules import PaymentMethod
from app.funding.states import DepositStatus, WithdrawalStatus

_TOKEN_LENGTH_MAX = 255
_LINE_LENGTH_MAX = 140


class DepositRequestSchema(ApiSchema):
    """A new deposit. A card is named by its processor's token, never by its number."""

    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True)
    amount = AmountField(required=True, metadata={"examples": ["100.00"]})
    payment_method = TextField(
        _TOKEN_LENGTH_MAX,
        metadata={"description": "For `card`: the processor's token", "examples": ["pm_card_visa"]},
    )
    phone = TextField(
        _LINE_LENGTH_MAX,
        metadata={"description": "For `mobile_money`: the phone number that confirms it, as +254…"},
    )

    example: ClassVar = {
        "method": "card",
        "asset": "USD",
        "amount": "100.00",
        "paymentMethod": "pm_card_visa",
    }

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        parse_amount("amount", data["asset"], data["amount"])
        for method, name, wire in (
            (PaymentMethod.CARD, "payment_method", "paymentMethod"),
            (PaymentMethod.MOBILE_MONEY, "phone", "phone"),
        ):
            if (data["method"] is method) is not (name in data):
                act = "Send" if data["method"] is method else "Leave out"
                raise ma.ValidationError(f"{act} {wire} for the method {data['method']}.", wire)


class DepositSchema(ApiSchema):
    """A deposit. `amount` is what arrived or, before that, what was announced."""

    id = PublicIdField("dep", required=True)
    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True, attribute="amount.asset.code")
    amount = AmountField(required=True)
    status = EnumField(DepositStatus, required=True)
    instructions = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata={
            "description": "What you need to pay: an account to send to, a client secret",
            "examples": [{"accountNumber": "000123456789", "routingNumber": "110000000"}],
        },
    )
    code = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The reason of a failure", "examples": ["card_declined"]},
    )
    requested_at = TimestampField(required=True)
    credited_at = TimestampField(required=True, allow_none=True)


class DepositAnswerSchema(ApiSchema):
    """A deposit."""

    deposit = ma.fields.Nested(DepositSchema, required=True)


class DepositsSchema(ApiSchema):
    """A page of deposits, newest first."""

    data = ma.fields.List(ma.fields.Nested(DepositSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class DestinationSchema(ApiSchema):
    """The destination of a withdrawal. The required fields depend on the method."""

    account_holder = TextField(
        _LINE_LENGTH_MAX,
        metadata={"description": "`bank`: your own name", "examples": ["Carl Customer"]},
    )
    account_number = TextField(_LINE_LENGTH_MAX, metadata={"description": "`bank`"})
    routing_number = TextField(_LINE_LENGTH_MAX, metadata={"description": "`bank`"})
    phone = TextField(
        _LINE_LENGTH_MAX, metadata={"description": "`mobile_money`: the number of your profile"}
    )
    address = TextField(
        _LINE_LENGTH_MAX, metadata={"description": "`crypto`: a wallet address, 0x…"}
    )
    network = TextField(_LINE_LENGTH_MAX, metadata={"description": "`crypto`: ETHEREUM"})


class WithdrawalRequestSchema(ApiSchema):
    """A new withdrawal to an account of the caller."""

    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True)
    amount = AmountField(required=True, metadata={"examples": ["100.00"]})
    destination = ma.fields.Nested(DestinationSchema, required=True)

    example: ClassVar = {
        "method": "bank",
        "asset": "USD",
        "amount": "100.00",
        "destination": {
            "accountHolder": "Carl Customer",
            "accountNumber": "000123456789",
            "routingNumber": "110000000",
        },
    }

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        parse_amount("amount", data["asset"], data["amount"])


class WithdrawalSchema(ApiSchema):
    """A withdrawal. `unknown`: the provider did not respond and is asked again."""

    id = PublicIdField("wdr", required=True)
    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True, attribute="amount.asset.code")
    amount = AmountField(required=True)
    status = EnumField(WithdrawalStatus, required=True)
    destination = ma.fields.String(
        required=True, metadata={"description": "Masked", "examples": ["account ending 6789"]}
    )
    requested_at = TimestampField(required=True)
    completed_at = TimestampField(required=True, allow_none=True)


class WithdrawalAnswerSchema(ApiSchema):
    """A withdrawal."""

    withdrawal = ma.fields.Nested(WithdrawalSchema, required=True)


class WithdrawalsSchema(ApiSchema):
    """A page of withdrawals, newest first."""

    data = ma.fields.List(ma.fields.Nested(WithdrawalSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
