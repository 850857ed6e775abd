"""What deposits and withdrawals look like on the wire."""

from typing import Any, ClassVar

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountText,
    AssetCode,
    Choice,
    Instant,
    PublicId,
    Schema,
    Text,
    amount,
)
from app.funding.ports import PaymentMethod
from app.funding.states import DepositStatus, WithdrawalStatus

_TOKEN_LENGTH_MAX = 255
_LINE_LENGTH_MAX = 140


class DepositRequest(Schema):
    """Money to be paid in. A card is named by its processor's token, never by its number."""

    method = Choice(PaymentMethod, required=True)
    asset = AssetCode(required=True)
    amount = AmountText(required=True, metadata={"examples": ["100.00"]})
    payment_method = Text(
        _TOKEN_LENGTH_MAX,
        metadata={"description": "For `card`: the processor's token", "examples": ["pm_card_visa"]},
    )
    phone = Text(
        _LINE_LENGTH_MAX,
        metadata={"description": "For `mobile_money`: the number that is asked, as +254…"},
    )

    example: ClassVar = {
        "method": "card",
        "asset": "USD",
        "amount": "100.00",
        "paymentMethod": "pm_card_visa",
    }

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        amount("amount", data["asset"], data["amount"])
        for method, name, wire in (
            (PaymentMethod.CARD, "payment_method", "paymentMethod"),
            (PaymentMethod.MOBILE_MONEY, "phone", "phone"),
        ):
            if (data["method"] is method) is not (name in data):
                act = "Send" if data["method"] is method else "Leave out"
                raise ma.ValidationError(f"{act} {wire} for the method {data['method']}.", wire)


class Deposit(Schema):
    """A deposit. `amount` is what came or, before that, what was announced."""

    id = PublicId("dep", required=True)
    method = Choice(PaymentMethod, required=True)
    asset = AssetCode(required=True, attribute="amount.asset.code")
    amount = AmountText(required=True)
    status = Choice(DepositStatus, required=True)
    instructions = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata={
            "description": "What you need to go on: an account to send to, a client secret",
            "examples": [{"accountNumber": "000123456789", "routingNumber": "110000000"}],
        },
    )
    code = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it failed", "examples": ["card_declined"]},
    )
    requested_at = Instant(required=True)
    credited_at = Instant(required=True, allow_none=True)


class DepositAnswer(Schema):
    """The deposit."""

    deposit = ma.fields.Nested(Deposit, required=True)


class Deposits(Schema):
    """Deposits, newest first."""

    data = ma.fields.List(ma.fields.Nested(Deposit), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class Destination(Schema):
    """Where money goes. Which fields are needed depends on the method."""

    account_holder = Text(
        _LINE_LENGTH_MAX,
        metadata={"description": "`bank`: yourself", "examples": ["Carl Customer"]},
    )
    account_number = Text(_LINE_LENGTH_MAX, metadata={"description": "`bank`"})
    routing_number = Text(_LINE_LENGTH_MAX, metadata={"description": "`bank`"})
    phone = Text(_LINE_LENGTH_MAX, metadata={"description": "`mobile_money`: your profile's"})
    address = Text(_LINE_LENGTH_MAX, metadata={"description": "`crypto`: 0x…"})
    network = Text(_LINE_LENGTH_MAX, metadata={"description": "`crypto`: ETHEREUM"})


class WithdrawalRequest(Schema):
    """Money to be paid out to oneself."""

    method = Choice(PaymentMethod, required=True)
    asset = AssetCode(required=True)
    amount = AmountText(required=True, metadata={"examples": ["100.00"]})
    destination = ma.fields.Nested(Destination, required=True)

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
        amount("amount", data["asset"], data["amount"])


class Withdrawal(Schema):
    """A withdrawal. `unknown` means that the provider gave no answer and is being asked again."""

    id = PublicId("wdr", required=True)
    method = Choice(PaymentMethod, required=True)
    asset = AssetCode(required=True, attribute="amount.asset.code")
    amount = AmountText(required=True)
    status = Choice(WithdrawalStatus, required=True)
    destination = ma.fields.String(
        required=True, metadata={"description": "Masked", "examples": ["account ending 6789"]}
    )
    requested_at = Instant(required=True)
    completed_at = Instant(required=True, allow_none=True)


class WithdrawalAnswer(Schema):
    """The withdrawal."""

    withdrawal = ma.fields.Nested(Withdrawal, required=True)


class Withdrawals(Schema):
    """Withdrawals, newest first."""

    data = ma.fields.List(ma.fields.Nested(Withdrawal), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
