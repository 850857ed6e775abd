"""What balances and transfers look like on the wire."""

from typing import Any, ClassVar

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountText,
    AssetCode,
    Choice,
    Instant,
    PublicId,
    Schema,
    amount,
)
from app.catalog.rules import Wallet


class Holding(Schema):
    """What a customer has of one asset."""

    asset = AssetCode(required=True, attribute="total.asset.code")
    available = AmountText(required=True)
    held = AmountText(required=True)
    total = AmountText(required=True)
    usd_value = AmountText(
        required=True,
        allow_none=True,
        metadata={"description": "At the bid, before any fee; null without a price"},
    )


class Balances(Schema):
    """Everything a customer has, by account."""

    funding = ma.fields.List(ma.fields.Nested(Holding), required=True)
    trading = ma.fields.List(ma.fields.Nested(Holding), required=True)
    total_usd = AmountText(required=True)


class TransferRequest(Schema):
    """PAXG from funding to trading, or XAU-s from trading to funding."""

    asset = AssetCode(required=True)
    amount = AmountText(required=True, metadata={"examples": ["1.5"]})
    from_ = Choice(Wallet, required=True)
    to = Choice(Wallet, required=True)

    example: ClassVar = {
        "asset": "PAXG",
        "amount": "1.50000000",
        "from": "funding",
        "to": "trading",
    }

    @ma.validates_schema
    def _amount(self, data: dict[str, Any], **_options: Any) -> None:
        amount("amount", data["asset"], data["amount"])


class Transfer(Schema):
    """A move between a customer's own accounts, one to one by weight."""

    id = PublicId("trf", required=True)
    from_asset = AssetCode(required=True, attribute="given.asset.code")
    from_amount = AmountText(required=True, attribute="given")
    to_asset = AssetCode(required=True, attribute="received.asset.code")
    to_amount = AmountText(required=True, attribute="received")
    transferred_at = Instant(required=True)
