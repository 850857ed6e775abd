"""Schemas of redemptions."""

from typing import Any, ClassVar

import marshmallow as ma

from app.blueprints.api.schemas.addresses import AddressOfOrderSchema, DeliveryAddressSchema
from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    AssetCodeField,
    CodesField,
    CountryField,
    EnumField,
    PublicIdField,
    TextField,
    TimestampField,
    parse_amount,
)
from app.blueprints.api.schemas.parcels import SentParcelSchema
from app.blueprints.api.schemas.vault import FormatField
from app.catalog.rules import METAL_OF, PRICED_NAMES, SYNTHETIC, Metal
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.carriers.rules import Carrier
from app.redemption.quotes.rules import QUOTE_PREFIX
from app.redemption.requests.rules import PREFIX, PaidIn, RedemptionStatus
from app.tax.assessment import Delivery

_REASON_LENGTH_MAX = 500
_USD = {"description": "In US dollars", "examples": ["40.00"]}
_OUNCES = {"examples": ["1.00000000"]}
_WHAT = ("asset", "amount", "format")


class RedeemedAssetField(CodesField):
    """An asset that can be redeemed, by its code or by the symbol of its metal."""

    def __init__(self, **options: Any) -> None:
        names = {metal: f"ounces of {PRICED_NAMES[metal]}" for metal in Metal}
        by_code = {SYNTHETIC[metal].code: name for metal, name in names.items()}
        by_symbol = {metal.value: f"the same as {SYNTHETIC[metal].code}" for metal in Metal}
        super().__init__({**by_code, **by_symbol}, **options)

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> str:
        code = super()._deserialize(value)
        return code if code in METAL_OF else SYNTHETIC[Metal(code)].code


class _RedeemedSchema(ApiSchema):
    """What is redeemed."""

    asset = RedeemedAssetField(metadata={"examples": ["XAU-s"]})
    amount = AmountField(metadata={"description": "Troy ounces", "examples": ["1.00000000"]})
    qty = AmountField(metadata={"description": "The same as `amount`", "examples": ["1.00000000"]})
    format = FormatField(metadata={"examples": ["COIN"]})

    @ma.pre_load
    def _take_amount(self, data: Any, **_options: Any) -> Any:
        """Read `qty` as `amount`."""
        if isinstance(data, dict) and "qty" in data and "amount" not in data:
            return {**{name: data[name] for name in data if name != "qty"}, "amount": data["qty"]}
        return data

    @ma.validates_schema
    def _check_amount(self, data: dict[str, Any], **_options: Any) -> None:
        if "qty" in data:
            raise ma.ValidationError("Send amount or qty, not both.", "qty")
        if "asset" in data and "amount" in data:
            parse_amount("amount", data["asset"], data["amount"])


class RedemptionQuoteQuerySchema(_RedeemedSchema):
    """What is redeemed, and where it goes."""

    country = CountryField(load_default="US")
    strategy = EnumField(
        FulfilmentStrategy,
        metadata={"description": "Who sends the pieces; without it, rules decide"},
    )
    pickup_branch_id = PublicIdField(
        "brn",
        metadata={
            "description": "A branch that offers pick-up: only pieces there are chosen, and"
            " nothing is shipped"
        },
    )

    @ma.validates_schema
    def _check_required(self, data: dict[str, Any], **_options: Any) -> None:
        lacking = {name: ["This field is required."] for name in _WHAT if name not in data}
        if lacking:
            raise ma.ValidationError(lacking)


class PiecesSchema(ApiSchema):
    """Pieces of one product; a bar with a serial by itself."""

    sku = ma.fields.String(required=True, metadata={"examples": ["AU-EAGLE-1OZ"]})
    name = ma.fields.String(required=True)
    quantity = ma.fields.Integer(required=True, metadata={"examples": [1]})
    ounces = AmountField(
        required=True,
        metadata={"description": "Of one piece, as the market accounts them", **_OUNCES},
    )


class _CostsSchema(ApiSchema):
    """What a redemption costs."""

    asset = AssetCodeField(required=True, attribute="asset.code")
    amount = AmountField(required=True, metadata={"description": "Troy ounces", **_OUNCES})
    format = FormatField(required=True, attribute="form")
    items = ma.fields.List(ma.fields.Nested(PiecesSchema), required=True)
    fee = AmountField(
        required=True,
        metadata={
            "description": "Of the metal's worth at mid, in US dollars",
            "examples": ["40.00"],
        },
    )
    shipping = AmountField(required=True, metadata=_USD)
    insurance = AmountField(required=True, metadata=_USD)
    top_up = AmountField(
        required=True,
        metadata={
            "description": "What the ounces cost by which the pieces weigh more than the amount, in"
            " US dollars",
            "examples": ["0.00"],
        },
    )
    top_up_ounces = AmountField(
        required=True,
        metadata={"description": "By how much the pieces weigh more", "examples": ["0.00000000"]},
    )
    total = AmountField(
        required=True,
        metadata={
            "description": "Fee, shipping, insurance and top-up, in US dollars",
            "examples": ["59.95"],
        },
    )
    total_in_metal = AmountField(
        required=True,
        metadata={"description": "What pays the total if metal is sold for it", **_OUNCES},
    )
    pickup_branch_id = PublicIdField("brn", required=True, allow_none=True)
    strategy = EnumField(
        FulfilmentStrategy,
        required=True,
        metadata={"description": "Who sends the pieces, if they are sent"},
    )
    strategy_reason = ma.fields.String(
        required=True,
        metadata={
            "description": "Why they are the ones",
            "examples": ["It is the configured one."],
        },
    )


class RedemptionQuoteSchema(_CostsSchema):
    """Pieces that cover an amount, and what they cost until the quote expires."""

    quote_id = PublicIdField(QUOTE_PREFIX, required=True, attribute="id")
    expires_at = TimestampField(required=True)


class RedemptionRequestSchema(_RedeemedSchema):
    """What to redeem, by a quote or at the prices of this moment, and where it goes."""

    quote_id = PublicIdField(
        QUOTE_PREFIX, metadata={"description": "In place of `asset`, `amount` and `format`"}
    )
    shipping_address = ma.fields.Nested(DeliveryAddressSchema)
    pickup_branch_id = PublicIdField(
        "brn", metadata={"description": "In place of the address: a branch that offers pick-up"}
    )
    strategy = EnumField(
        FulfilmentStrategy,
        metadata={"description": "Who sends the pieces; of a quote, the one that it names"},
    )
    paid_in = EnumField(
        PaidIn,
        load_default=PaidIn.BALANCE,
        metadata={"description": "What pays the total of the quote"},
    )

    together: ClassVar = {
        "oneOf": [{"required": ["shippingAddress"]}, {"required": ["pickupBranchId"]}]
    }

    @ma.validates_schema
    def _check(self, data: dict[str, Any], **_options: Any) -> None:
        if "quote_id" in data:
            repeated = [name for name in _WHAT if name in data]
            if repeated:
                raise ma.ValidationError("The quote sets this. Leave this field out.", repeated[0])
        else:
            lacking = {name: ["Send it, or a quoteId."] for name in _WHAT if name not in data}
            if lacking:
                raise ma.ValidationError(lacking)
        if ("shipping_address" in data) is ("pickup_branch_id" in data):
            raise ma.ValidationError(
                "Send either shippingAddress or pickupBranchId.", "shippingAddress"
            )


class RedemptionEventSchema(ApiSchema):
    """A status that the redemption took."""

    status = EnumField(RedemptionStatus, required=True)
    at = TimestampField(required=True)


class RedemptionSchema(_CostsSchema):
    """A redemption. Its costs are those of its quote."""

    id = PublicIdField(PREFIX, required=True)
    status = EnumField(RedemptionStatus, required=True)
    quote_id = PublicIdField(QUOTE_PREFIX, required=True)
    destination = EnumField(Delivery, required=True)
    paid_in = EnumField(PaidIn, required=True)
    shipping_address = ma.fields.Nested(AddressOfOrderSchema, required=True, allow_none=True)
    history = ma.fields.List(
        ma.fields.Nested(RedemptionEventSchema), required=True, attribute="events"
    )
    submitted_at = TimestampField(required=True)
    expires_at = TimestampField(
        required=True,
        metadata={"description": "Until when it has to be approved; then everything is released"},
    )
    approved_at = TimestampField(required=True, allow_none=True)
    ended_at = TimestampField(
        required=True,
        allow_none=True,
        metadata={"description": "When it was rejected or cancelled, or lapsed; null otherwise"},
    )
    delivered_at = TimestampField(required=True, allow_none=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Return what the redemption says, or else its quote."""
        name = attr.partition(".")[0]
        return super().get_attribute(obj if hasattr(obj, name) else obj.quote, attr, default)


class RedemptionAnswerSchema(ApiSchema):
    """A redemption."""

    redemption = ma.fields.Nested(RedemptionSchema, required=True)


class ShownRedemptionSchema(RedemptionAnswerSchema):
    """A redemption, and the parcels in which it is sent."""

    parcels = ma.fields.List(
        ma.fields.Nested(SentParcelSchema),
        required=True,
        metadata={"description": "Those that have a tracking number, the oldest first"},
    )


class RedemptionsSchema(ApiSchema):
    """A page of redemptions, newest first."""

    data = ma.fields.List(ma.fields.Nested(RedemptionSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class StaffRedemptionSchema(RedemptionSchema):
    """A redemption with its customer."""

    customer_id = PublicIdField("usr", required=True, attribute="user_id")


class StaffRedemptionAnswerSchema(ApiSchema):
    """A redemption with its customer."""

    redemption = ma.fields.Nested(StaffRedemptionSchema, required=True)


class ListedRedemptionSchema(ApiSchema):
    """A redemption in a list."""

    id = PublicIdField(PREFIX, required=True)
    customer_id = PublicIdField("usr", required=True, attribute="user_id")
    status = EnumField(RedemptionStatus, required=True)
    asset = AssetCodeField(required=True)
    amount = AmountField(required=True, metadata={"description": "Troy ounces", **_OUNCES})
    format = FormatField(required=True, attribute="form")
    value = AmountField(
        required=True,
        metadata={
            "description": "What the pieces are worth at mid, as quoted, in US dollars",
            "examples": ["4000.00"],
        },
    )
    total = AmountField(required=True, metadata=_USD)
    destination = EnumField(Delivery, required=True)
    strategy = EnumField(FulfilmentStrategy, required=True)
    submitted_at = TimestampField(required=True)
    expires_at = TimestampField(
        required=True, metadata={"description": "Until when it has to be decided"}
    )


class PendingRedemptionsSchema(ApiSchema):
    """A page of redemptions that wait for their approval, the longest waiting first."""

    data = ma.fields.List(
        ma.fields.Nested(ListedRedemptionSchema),
        required=True,
        metadata={"description": "The items of this page, the longest waiting first"},
    )
    next_cursor = ma.fields.String(required=True, allow_none=True)


class ApprovalRequestSchema(ApiSchema):
    """What the approval is based on."""

    reason = TextField(
        _REASON_LENGTH_MAX,
        metadata={"description": "For the second person", "examples": ["Known customer"]},
    )


class RequestedApprovalSchema(ApiSchema):
    """A redemption that a second person has to approve."""

    redemption = ma.fields.Nested(StaffRedemptionSchema, required=True)
    approval_id = PublicIdField(
        "apr", required=True, metadata={"description": "The request to the second person"}
    )


class HandedToCarrierSchema(ApiSchema):
    """Who carries the pieces."""

    carrier = EnumField(Carrier)
    tracking_number = TextField(
        40, metadata={"description": "The carrier's", "examples": ["794644790132"]}
    )


class RejectionSchema(ApiSchema):
    """Why a redemption is rejected, for staff."""

    reason = TextField(
        _REASON_LENGTH_MAX,
        required=True,
        metadata={
            "description": "The customer does not read it",
            "examples": ["The address is a mail drop"],
        },
    )
