"""Schemas of deposits and withdrawals."""

from typing import Any

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
from app.catalog.rules import TRADABLE, PaymentMethod
from app.funding.fees import PaymentDirection
from app.funding.states import DepositStatus, WithdrawalStatus
from app.kit.money import Amount

_TOKEN_LENGTH_MAX = 255
_LINE_LENGTH_MAX = 140
_FEE = {"description": "In the same asset; taken from the amount", "examples": ["3.20"]}
_FEE_MAX = {
    "description": "The fee that you agreed to: above it, the request is refused. See /fee",
    "examples": ["3.20"],
}


def fee_max(body: dict[str, Any]) -> Amount | None:
    """Return the fee that the caller agreed to, if the request states one; zero is one.

    Raises marshmallow's `ValidationError` at the field.
    """
    text = body.get("max_fee")
    if text is None:
        return None
    if not text.strip("0."):
        return Amount(TRADABLE[body["asset"]], 0)
    return parse_amount("maxFee", body["asset"], text)


class DepositRequestSchema(ApiSchema):
    """A new deposit. A card is named by its processor's token, never by its number."""

    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True)
    amount = AmountField(required=True, metadata={"examples": ["100.00"]})
    max_fee = AmountField(metadata=_FEE_MAX)
    payment_method = TextField(
        _TOKEN_LENGTH_MAX,
        metadata={"description": "For `card`: the processor's token", "examples": ["pm_card_visa"]},
    )
    phone = TextField(
        _LINE_LENGTH_MAX,
        metadata={
            "description": "For `mobile_money`: the verified phone of the profile, in Kenya, which"
            " confirms it"
        },
    )

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        parse_amount("amount", data["asset"], data["amount"])
        fee_max(data)
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
    fee = AmountField(required=True, metadata=_FEE)
    receives = AmountField(
        required=True, metadata={"description": "What is credited", "examples": ["96.80"]}
    )
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


class FeeQuerySchema(ApiSchema):
    """The payment whose fee is asked for."""

    direction = EnumField(PaymentDirection, required=True)
    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True, metadata={"examples": ["USD"]})
    amount = AmountField(required=True, metadata={"examples": ["100.00"]})

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        parse_amount("amount", data["asset"], data["amount"])


class FeeSchema(ApiSchema):
    """What a payment costs, and what is credited or paid out."""

    direction = EnumField(PaymentDirection, required=True)
    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True, attribute="amount.asset.code")
    amount = AmountField(required=True)
    fee = AmountField(required=True, metadata=_FEE)
    receives = AmountField(required=True, metadata={"examples": ["96.80"]})


class PaymentTermsSchema(ApiSchema):
    """A way to pay in or out, and what it costs: a fixed part and a share of the amount."""

    direction = EnumField(PaymentDirection, required=True)
    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True, attribute="asset.code")
    fixed_fee = AmountField(required=True, attribute="rate.fixed", metadata={"examples": ["0.30"]})
    fee_bps = ma.fields.Integer(
        required=True,
        attribute="rate.bps",
        metadata={"description": "In hundredths of a percent, rounded up", "examples": [290]},
    )
    min_usd = AmountField(
        required=True,
        allow_none=True,
        metadata={"description": "The smallest payment, by its worth", "examples": ["1.00"]},
    )
    max_usd = AmountField(
        required=True,
        allow_none=True,
        metadata={"description": "The largest payment, by its worth", "examples": ["10000.00"]},
    )
    withheld_days = ma.fields.Integer(
        required=True,
        metadata={
            "description": "Days until money paid in so can be withdrawn; it can be traded at once",
            "examples": [7],
        },
    )


class PaymentMethodsSchema(ApiSchema):
    """Every way to pay in and out that is offered."""

    data = ma.fields.List(ma.fields.Nested(PaymentTermsSchema), required=True)


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
    max_fee = AmountField(metadata=_FEE_MAX)
    destination = ma.fields.Nested(DestinationSchema, required=True)

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        parse_amount("amount", data["asset"], data["amount"])
        fee_max(data)


class WithdrawalSchema(ApiSchema):
    """A withdrawal. `unknown`: the provider did not respond and is asked again."""

    id = PublicIdField("wdr", required=True)
    method = EnumField(PaymentMethod, required=True)
    asset = AssetCodeField(required=True, attribute="amount.asset.code")
    amount = AmountField(required=True)
    fee = AmountField(required=True, metadata=_FEE)
    receives = AmountField(
        required=True, metadata={"description": "What is paid out", "examples": ["99.75"]}
    )
    status = EnumField(WithdrawalStatus, required=True)
    destination = ma.fields.String(
        required=True, metadata={"description": "Masked", "examples": ["account ending 6789"]}
    )
    requested_at = TimestampField(required=True)
    payable_from = TimestampField(
        required=True,
        allow_none=True,
        attribute="waits_until",
        metadata={
            "description": "Not sent before, because the destination was new. Cancel it until then"
            " if you did not request it"
        },
    )
    completed_at = TimestampField(required=True, allow_none=True)


class WithdrawalAnswerSchema(ApiSchema):
    """A withdrawal."""

    withdrawal = ma.fields.Nested(WithdrawalSchema, required=True)


class WithdrawalsSchema(ApiSchema):
    """A page of withdrawals, newest first."""

    data = ma.fields.List(ma.fields.Nested(WithdrawalSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class LimitSchema(ApiSchema):
    """A limit of the caller, over all accounts of the same person."""

    name = ma.fields.String(required=True, metadata={"examples": ["card_day"]})
    title = ma.fields.String(required=True, metadata={"examples": ["Card payments in 24 hours"]})
    asset = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null for a number of payments", "examples": ["USD"]},
    )
    maximum = ma.fields.String(required=True, metadata={"examples": ["10000.00"]})
    left = ma.fields.String(required=True, metadata={"examples": ["2500.00"]})
    frees_at = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "When something is left again, where nothing is"},
    )


class LimitsSchema(ApiSchema):
    """The limits of the caller."""

    data = ma.fields.List(ma.fields.Nested(LimitSchema), required=True)
