"""Schemas of prices, quotes and orders."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    AssetCodeField,
    CodesField,
    ConstantField,
    MetalCodeField,
    PublicIdField,
    TimestampField,
    parse_amount,
    whole_number_between,
)
from app.kit.money import Amount

_BPS_MAX = 10_000


class MoneySchema(ApiSchema):
    """An amount with its asset."""

    asset = AssetCodeField(required=True, attribute="asset.code")
    amount = AmountField(required=True)

    def get_attribute(self, obj: Amount, attr: str, _default: object) -> object:
        """Return the amount itself as its text."""
        return obj if attr == "amount" else obj.asset.code


class PricesQuerySchema(ApiSchema):
    """The query of prices: one metal, or all."""

    asset = MetalCodeField(metadata={"description": "A metal by its symbol"})


class PriceSchema(ApiSchema):
    """The price of a metal, in US dollars per troy ounce."""

    metal = MetalCodeField(required=True)
    asset = AssetCodeField(required=True)
    bid = AmountField(
        required=True, metadata={"description": "The price at which a customer sells"}
    )
    ask = AmountField(required=True, metadata={"description": "The price at which a customer buys"})
    mid = AmountField(required=True)
    currency = ConstantField("USD")
    unit = ConstantField("ozt")
    as_of = TimestampField(required=True)
    source = ma.fields.String(required=True, metadata={"examples": ["simulated"]})
    stale = ma.fields.Boolean(required=True)
    market_state = CodesField(
        {
            "open": "It trades.",
            "closed": "It does not trade: the calendar says when it does.",
            "halted": "It does not trade until staff lift the halt.",
        },
        required=True,
    )


class PricesSchema(ApiSchema):
    """Prices by metal."""

    data = ma.fields.List(ma.fields.Nested(PriceSchema), required=True)


# Not with `oneOf` at the top, for which generated clients have no type.
_CONVERSION: Mapping[str, Any] = {
    "required": ["fromAsset", "toAsset"],
    "minProperties": 3,
    "maxProperties": 3,
}


class ConversionRequestSchema(ApiSchema):
    """Two assets and one amount: the given or the received one."""

    from_asset = AssetCodeField()
    to_asset = AssetCodeField()
    from_amount = AmountField(metadata={"examples": ["100.00"]})
    to_amount = AmountField(metadata={"examples": ["0.025"]})

    together: ClassVar = _CONVERSION

    @ma.validates_schema
    def _shape(self, data: dict[str, Any], **_options: Any) -> None:
        self.require_conversion(data)

    def require_conversion(self, data: dict[str, Any]) -> None:
        """Require two different assets and exactly one amount, valid for its asset."""
        problems = {
            name: ["This field is required."]
            for name, key in (("fromAsset", "from_asset"), ("toAsset", "to_asset"))
            if key not in data
        }
        if not problems and data["from_asset"] == data["to_asset"]:
            problems["toAsset"] = ["Choose another asset than fromAsset."]
        if ("from_amount" in data) == ("to_amount" in data):
            problems["fromAmount"] = ["Send either fromAmount or toAmount."]
        if problems:
            raise ma.ValidationError(problems)
        if "from_amount" in data:
            parse_amount("fromAmount", data["from_asset"], data["from_amount"])
        else:
            parse_amount("toAmount", data["to_asset"], data["to_amount"])


class OrderRequestSchema(ConversionRequestSchema):
    """A quote to fill, or a conversion at the market price."""

    quote_id = PublicIdField("qt")
    max_slippage_bps = ma.fields.Integer(
        strict=True,
        validate=whole_number_between(0, _BPS_MAX),
        metadata={
            "description": "How much worse than expectedPrice, or than mid, the price may be"
        },
    )
    expected_price = AmountField(
        metadata={"description": "The price shown to the customer; maxSlippageBps counts from it"}
    )

    together: ClassVar = {
        "if": {"properties": {"quoteId": {}}, "required": ["quoteId"]},
        "then": {"maxProperties": 1},
        "else": {
            "properties": {"fromAsset": {}, "toAsset": {}, "fromAmount": {}, "toAmount": {}},
            "required": ["fromAsset", "toAsset"],
            "oneOf": [{"required": ["fromAmount"]}, {"required": ["toAmount"]}],
        },
        "dependentRequired": {"expectedPrice": ["maxSlippageBps"]},
    }

    def require_conversion(self, data: dict[str, Any]) -> None:
        """Require a quote alone, or a conversion; an expected price only with a slippage limit."""
        if "quote_id" in data:
            if len(data) > 1:
                raise ma.ValidationError(
                    {"quoteId": ["Send quoteId alone. The quote has the other values."]}
                )
            return
        if "expected_price" in data:
            if "max_slippage_bps" not in data:
                raise ma.ValidationError(
                    {"expectedPrice": ["Send expectedPrice together with maxSlippageBps."]}
                )
            if Decimal(data["expected_price"]) == 0:
                raise ma.ValidationError({"expectedPrice": ["Enter a price above zero."]})
        super().require_conversion(data)


class QuoteSchema(ApiSchema):
    """A price that is kept until `expiresAt`."""

    id = PublicIdField("qt", required=True)
    from_asset = AssetCodeField(required=True, attribute="conversion.given.asset.code")
    to_asset = AssetCodeField(required=True, attribute="conversion.received.asset.code")
    from_amount = AmountField(required=True, attribute="conversion.given")
    to_amount = AmountField(required=True, attribute="conversion.received")
    price = AmountField(required=True, attribute="conversion.price")
    fee = ma.fields.Nested(MoneySchema, required=True, attribute="conversion.fee")
    expires_at = TimestampField(required=True)


class OrderSchema(ApiSchema):
    """A conversion that happened."""

    id = PublicIdField("trd", required=True)
    quote_id = PublicIdField("qt", required=True, allow_none=True)
    status = ConstantField("filled")
    from_asset = AssetCodeField(required=True, attribute="given.asset.code")
    to_asset = AssetCodeField(required=True, attribute="received.asset.code")
    from_amount = AmountField(required=True, attribute="given")
    to_amount = AmountField(required=True, attribute="received")
    price = AmountField(required=True)
    fee = ma.fields.Nested(MoneySchema, required=True)
    executed_at = TimestampField(required=True)


class OrdersSchema(ApiSchema):
    """A page of orders, newest first."""

    data = ma.fields.List(ma.fields.Nested(OrderSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
