"""Schemas of checkout and of orders of goods."""

from typing import Any

import marshmallow as ma

from app.blueprints.api.schemas.addresses import AddressOfOrderSchema, DeliveryAddressSchema
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
from app.blueprints.api.schemas.parcels import SentParcelSchema
from app.blueprints.api.schemas.payments import fee_max
from app.blueprints.api.schemas.shop_locks import CancelTermsSchema
from app.catalog.rules import PaymentMethod
from app.shop.orders.rules import (
    DEPOSIT_METHODS,
    CancelReason,
    OrderPaymentMethod,
    OrderStatus,
    PaymentProgress,
)
from app.tax.assessment import Delivery

_TOKEN_LENGTH_MAX = 255
_PAYMENTS_MAX = 6
_USD = {"description": "In US dollars", "examples": ["4155.00"]}
_PAYS_REST = "In its asset. Without it, the payment pays the rest"


class PaymentRequestSchema(ApiSchema):
    """How a part of the total is paid. Of several payments, one may leave its amount out."""

    method = EnumField(OrderPaymentMethod, required=True)
    asset = AssetCodeField(
        metadata={"description": "Of `metal`: which of yours; USD otherwise", "examples": ["XAU-s"]}
    )
    amount = AmountField(metadata={"description": _PAYS_REST, "examples": ["1.00000000"]})
    payment_method = TextField(
        _TOKEN_LENGTH_MAX,
        metadata={
            "description": "Of `card`, for checkout: the processor's token",
            "examples": ["pm_card_visa"],
        },
    )
    max_fee = AmountField(
        metadata={
            "description": "Of `card` and `bank_transfer`: the fee that you agreed to, in US"
            " dollars. Above it, the request is refused",
            "examples": ["3.20"],
        }
    )

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        is_metal = data["method"] is OrderPaymentMethod.METAL
        asset = data.get("asset", "XAU-s" if is_metal else "USD")
        if (asset in {"USD", "USDC", "PAXG"}) is is_metal:
            wanted = "metal, like XAU-s" if is_metal else "dollars, USD"
            raise ma.ValidationError(f"Pay by {data['method']} with {wanted}.", "asset")
        if "amount" in data:
            parse_amount("amount", asset, data["amount"])
        for name, wire, fitting in (
            ("payment_method", "paymentMethod", {OrderPaymentMethod.CARD}),
            ("max_fee", "maxFee", DEPOSIT_METHODS),
        ):
            if name in data and data["method"] not in fitting:
                raise ma.ValidationError(f"Leave out {wire} for {data['method']}.", wire)
        fee_max({**data, "asset": "USD"})


class CheckoutPreviewRequestSchema(ApiSchema):
    """What to buy at promised prices, and where it goes. The payments may still be left out."""

    quote_id = PublicIdField("lck", required=True)
    payment = ma.fields.Nested(
        PaymentRequestSchema, metadata={"description": "One payment, in place of `payments`"}
    )
    payments = ma.fields.List(
        ma.fields.Nested(PaymentRequestSchema),
        validate=ma.validate.Length(1, _PAYMENTS_MAX),
        metadata={"description": "Several payments, in place of `payment`"},
    )
    destination = EnumField(
        Delivery,
        metadata={"description": "Follows from the address or the branch; required for `vault`"},
    )
    shipping_address = ma.fields.Nested(
        DeliveryAddressSchema, metadata={"description": "Of the destination `ship`"}
    )
    billing_address = ma.fields.Nested(
        DeliveryAddressSchema, metadata={"description": "Of the invoice, where it is another one"}
    )
    pickup_branch_id = PublicIdField(
        "brn", metadata={"description": "The branch for which the prices were locked"}
    )

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        if "payment" in data and "payments" in data:
            raise ma.ValidationError("Send payment or payments, not both.", "payments")
        if "shipping_address" in data and "pickup_branch_id" in data:
            raise ma.ValidationError(
                "Send shippingAddress or pickupBranchId, not both.", "pickupBranchId"
            )
        destination = destination_of(data)
        if destination is None:
            raise ma.ValidationError(
                "Send shippingAddress, pickupBranchId or the destination `vault`.", "destination"
            )
        for name, wire, fitting in (
            ("shipping_address", "shippingAddress", Delivery.SHIP),
            ("pickup_branch_id", "pickupBranchId", Delivery.PICKUP),
        ):
            if (name in data) is not (destination is fitting):
                act = "Send" if destination is fitting else "Leave out"
                raise ma.ValidationError(f"{act} {wire} for the destination {destination}.", wire)


class CheckoutRequestSchema(CheckoutPreviewRequestSchema):
    """What to buy at promised prices, where it goes, and how it is paid."""

    @ma.validates_schema
    def _check_payment(self, data: dict[str, Any], **_options: Any) -> None:
        if "payment" not in data and "payments" not in data:
            raise ma.ValidationError("Send a payment, or several as payments.", "payment")
        problem = {"paymentMethod": ["Send paymentMethod for the method card."]}
        lacking = {
            place: problem
            for place, each in enumerate(data.get("payments") or [data["payment"]])
            if each["method"] is OrderPaymentMethod.CARD and "payment_method" not in each
        }
        if lacking:
            several = "payments" in data
            raise ma.ValidationError({"payments": lacking} if several else {"payment": problem})


def destination_of(body: dict[str, Any]) -> Delivery | None:
    """Return where goods go, as the request says or implies; None if it does neither."""
    if "destination" in body:
        destination: Delivery = body["destination"]
        return destination
    if "shipping_address" in body:
        return Delivery.SHIP
    return Delivery.PICKUP if "pickup_branch_id" in body else None


class InvoiceLineSchema(ApiSchema):
    """Units of a product. Amounts are in US dollars."""

    sku = ma.fields.String(required=True, metadata={"examples": ["AU-EAGLE-1OZ"]})
    name = ma.fields.String(required=True)
    quantity = ma.fields.Integer(required=True, metadata={"examples": [1]})
    unit_price = AmountField(required=True, metadata=_USD)
    total = AmountField(
        required=True,
        attribute="price",
        metadata={"description": "Without tax", "examples": ["4155.00"]},
    )
    tax = AmountField(required=True, metadata={"examples": ["0.00"]})
    tax_reason = ma.fields.String(required=True, metadata={"examples": ["NH has no sales tax."]})


class OrderItemSchema(InvoiceLineSchema):
    """Units of a product in an order, as they were bought. Amounts are in US dollars."""

    refunded_quantity = ma.fields.Integer(
        required=True,
        metadata={"description": "Units whose price was given back", "examples": [0]},
    )


class PaymentOptionSchema(ApiSchema):
    """A way to pay all of it."""

    method = EnumField(OrderPaymentMethod, required=True)
    asset = AssetCodeField(required=True, attribute="amount.asset.code")
    amount = AmountField(
        required=True,
        metadata={
            "description": "What pays the total: metal at the bid that is promised; a card or a"
            " transfer with its fee"
        },
    )
    fee = AmountField(
        required=True, metadata={"description": "Of the amount", "examples": ["0.00"]}
    )
    is_covered = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether it can be used: so much is available, or allowed"},
    )
    problem = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it cannot be used", "examples": [None]},
    )


class ChargeSchema(ApiSchema):
    """What a card is charged, or what is transferred, for a part of the total."""

    method = EnumField(PaymentMethod, required=True)
    amount = AmountField(required=True, metadata={"examples": ["4334.40"]})
    fee = AmountField(
        required=True, metadata={"description": "Of the amount", "examples": ["126.00"]}
    )


class OrderPaymentSchema(ApiSchema):
    """What pays for a part of the total."""

    method = EnumField(OrderPaymentMethod, required=True)
    asset = AssetCodeField(required=True, attribute="given.asset.code")
    amount = AmountField(required=True, attribute="given")
    dollars = AmountField(required=True, metadata={"description": "What it pays, in US dollars"})
    bid = AmountField(
        required=True,
        allow_none=True,
        metadata={
            "description": "At which metal is sold, in US dollars per troy ounce",
            "examples": ["3992.000000"],
        },
    )


class CheckoutPreviewSchema(ApiSchema):
    """What an order costs before it is agreed to."""

    lines = ma.fields.List(
        ma.fields.Nested(InvoiceLineSchema), required=True, attribute="invoice.lines"
    )
    tax = AmountField(required=True, attribute="invoice.charges.tax", metadata=_USD)
    shipping = AmountField(required=True, attribute="invoice.shipping", metadata=_USD)
    insurance = AmountField(required=True, attribute="invoice.insurance", metadata=_USD)
    total = AmountField(required=True, attribute="invoice.total", metadata=_USD)
    methods = ma.fields.List(ma.fields.Nested(PaymentOptionSchema), required=True)
    payments = ma.fields.List(
        ma.fields.Nested(OrderPaymentSchema),
        required=True,
        metadata={"description": "As they were asked for; empty if they were left out"},
    )
    charge = ma.fields.Nested(
        ChargeSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Of the payment by card or transfer, if there is one"},
    )
    expires_at = TimestampField(
        required=True, metadata={"description": "Until when the prices are promised"}
    )
    cancel_terms = ma.fields.Nested(CancelTermsSchema, required=True)


class OrderEventSchema(ApiSchema):
    """A status that the order took."""

    status = EnumField(OrderStatus, required=True)
    at = TimestampField(required=True)


class OrderPaymentStateSchema(ApiSchema):
    """How far the payment of an order is, and what is to be done."""

    status = EnumField(PaymentProgress, required=True)
    deposit_id = PublicIdField(
        "dep",
        required=True,
        allow_none=True,
        metadata={"description": "The deposit that pays for a part; null if all was paid at once"},
    )
    amount = AmountField(
        required=True,
        allow_none=True,
        metadata={"description": "What the card is charged, or is to be transferred"},
    )
    fee = AmountField(
        required=True,
        allow_none=True,
        metadata={"description": "Of the amount", "examples": ["126.00"]},
    )
    due_at = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "Until when it has to arrive; then the order is cancelled"},
    )
    client_secret = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "To confirm the payment at the card's bank, while that is needed"},
    )
    transfer_to = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        allow_none=True,
        metadata={
            "description": "The account to transfer to, while the transfer is waited for",
            "examples": [{"accountNumber": "000123456789", "routingNumber": "110000000"}],
        },
    )


class GoodsOrderSchema(ApiSchema):
    """An order of goods. Amounts are in US dollars, unless an asset is beside them."""

    id = PublicIdField("ord", required=True)
    number = ma.fields.String(
        required=True, metadata={"description": "For people", "examples": ["10000001"]}
    )
    status = EnumField(OrderStatus, required=True)
    partially_shipped = ma.fields.Boolean(required=True)
    quote_id = PublicIdField("lck", required=True, attribute="lock_id")
    destination = EnumField(Delivery, required=True)
    items = ma.fields.List(ma.fields.Nested(OrderItemSchema), required=True, attribute="lines")
    tax = AmountField(required=True, metadata=_USD)
    shipping = AmountField(required=True, metadata=_USD)
    insurance = AmountField(required=True, metadata=_USD)
    total = AmountField(required=True, metadata=_USD)
    payments = ma.fields.List(ma.fields.Nested(OrderPaymentSchema), required=True)
    payment = ma.fields.Nested(OrderPaymentStateSchema, required=True)
    shipping_address = ma.fields.Nested(AddressOfOrderSchema, required=True, allow_none=True)
    billing_address = ma.fields.Nested(AddressOfOrderSchema, required=True, allow_none=True)
    pickup_branch_id = PublicIdField("brn", required=True, allow_none=True)
    history = ma.fields.List(ma.fields.Nested(OrderEventSchema), required=True, attribute="events")
    placed_at = TimestampField(required=True)
    paid_at = TimestampField(required=True, allow_none=True)
    refunded = AmountField(
        required=True,
        metadata={"description": "What was given back, in US dollars", "examples": ["0.00"]},
    )
    partially_refunded = ma.fields.Boolean(
        required=True,
        attribute="is_partially_refunded",
        metadata={"description": "Whether money was given back, and the order goes on"},
    )
    cancelled_at = TimestampField(required=True, allow_none=True)
    cancel_reason = EnumField(CancelReason, required=True, allow_none=True)


class OrderNoteSchema(ApiSchema):
    """A note of our staff to the customer."""

    text = ma.fields.String(
        required=True,
        metadata={"description": "As it was written", "examples": ["Your coins are of 2025."]},
    )
    at = TimestampField(required=True)


class OrderNotesSchema(ApiSchema):
    """The notes on an order that are for its customer."""

    data = ma.fields.List(ma.fields.Nested(OrderNoteSchema), required=True)


class GoodsOrderAnswerSchema(ApiSchema):
    """An order of goods."""

    order = ma.fields.Nested(GoodsOrderSchema, required=True)


class ShownOrderSchema(GoodsOrderAnswerSchema):
    """An order of goods, and the parcels in which it is sent."""

    parcels = ma.fields.List(
        ma.fields.Nested(SentParcelSchema),
        required=True,
        metadata={"description": "Those that have a tracking number, the oldest first"},
    )


class GoodsOrdersSchema(ApiSchema):
    """A page of orders of goods, newest first."""

    data = ma.fields.List(ma.fields.Nested(GoodsOrderSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
