"""What balances and transfers look like on the wire."""

from enum import StrEnum
from typing import Any, ClassVar

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    AssetCodeField,
    EnumField,
    PageQuerySchema,
    PublicIdField,
    SignedAmountField,
    TextField,
    TimestampField,
    example_id,
    parse_amount,
)
from app.catalog.rules import Wallet
from app.reporting.movement_labels import MovementKind


class HoldingSchema(ApiSchema):
    """What a customer has of one asset."""

    asset = AssetCodeField(required=True, attribute="total.asset.code")
    available = AmountField(required=True)
    held = AmountField(required=True)
    total = AmountField(required=True)
    usd_value = AmountField(
        required=True,
        allow_none=True,
        metadata={"description": "At the bid, before any fee; null without a price"},
    )


class BalancesSchema(ApiSchema):
    """Everything a customer has, by account."""

    funding = ma.fields.List(ma.fields.Nested(HoldingSchema), required=True)
    trading = ma.fields.List(ma.fields.Nested(HoldingSchema), required=True)
    total_usd = AmountField(required=True)


class TransferRequestSchema(ApiSchema):
    """PAXG from funding to trading, or XAU-s from trading to funding."""

    asset = AssetCodeField(required=True)
    amount = AmountField(required=True, metadata={"examples": ["1.5"]})
    from_ = EnumField(Wallet, required=True)
    to = EnumField(Wallet, required=True)

    example: ClassVar = {
        "asset": "PAXG",
        "amount": "1.50000000",
        "from": "funding",
        "to": "trading",
    }

    @ma.validates_schema
    def _amount(self, data: dict[str, Any], **_options: Any) -> None:
        parse_amount("amount", data["asset"], data["amount"])


class TransferSchema(ApiSchema):
    """A move between a customer's own accounts, one to one by weight."""

    id = PublicIdField("trf", required=True)
    from_asset = AssetCodeField(required=True, attribute="given.asset.code")
    from_amount = AmountField(required=True, attribute="given")
    to_asset = AssetCodeField(required=True, attribute="received.asset.code")
    to_amount = AmountField(required=True, attribute="received")
    transferred_at = TimestampField(required=True)


_SINCE = {"description": "From this moment on", "examples": ["2026-11-01T00:00:00.000Z"]}
_UNTIL = {"description": "Up to this moment, and not it", "examples": ["2026-12-01T00:00:00.000Z"]}
_REFERENCE = {
    "description": "Of what moved it: an order, a transfer, a deposit",
    "examples": [example_id("trd")],
}
_DESCRIPTION = {"examples": ["Trade to 0.02487500 XAU-s"]}
_FEE = {"description": "In the same asset, and part of the amount", "examples": ["0.50"]}


class MovementsQuerySchema(PageQuerySchema):
    """Which movements, and which page of them."""

    asset = AssetCodeField()
    kind = EnumField(MovementKind)
    from_ = TimestampField(metadata=_SINCE)
    to = TimestampField(metadata=_UNTIL)


class MovementSchema(ApiSchema):
    """What one entry did to one account: above zero what came, below what went."""

    at = TimestampField(required=True, attribute="posted_at")
    account = EnumField(Wallet, required=True)
    asset = AssetCodeField(required=True, attribute="amount.asset.code")
    amount = SignedAmountField(required=True)
    fee = SignedAmountField(required=True, allow_none=True, metadata=_FEE)
    kind = EnumField(MovementKind, required=True)
    description = TextField(200, required=True, metadata=_DESCRIPTION)
    reference = TextField(200, required=True, metadata=_REFERENCE)


class MovementsSchema(ApiSchema):
    """A page of movements, newest first."""

    data = ma.fields.List(ma.fields.Nested(MovementSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class StatementFormat(StrEnum):
    """What a statement can be had as."""

    JSON = "json"
    CSV = "csv"
    PDF = "pdf"


class StatementQuerySchema(ApiSchema):
    """Which account, which part of it, and when."""

    account = EnumField(Wallet, required=True)
    asset = AssetCodeField(metadata={"description": "One asset of the account; otherwise all"})
    from_ = TimestampField(
        metadata={**_SINCE, "description": "Otherwise from the first of the month of `to`"}
    )
    to = TimestampField(
        metadata={**_UNTIL, "description": "Up to this moment, and not it; otherwise now"}
    )
    format = EnumField(StatementFormat, metadata={"description": "Before what Accept says"})


class StatementLineSchema(ApiSchema):
    """A movement with the balance after it."""

    at = TimestampField(required=True, attribute="movement.posted_at")
    amount = SignedAmountField(required=True, attribute="movement.amount")
    fee = SignedAmountField(required=True, allow_none=True, attribute="movement.fee", metadata=_FEE)
    balance = SignedAmountField(required=True)
    kind = EnumField(MovementKind, required=True, attribute="movement.kind")
    description = TextField(
        200, required=True, attribute="movement.description", metadata=_DESCRIPTION
    )
    reference = TextField(200, required=True, attribute="movement.reference", metadata=_REFERENCE)


class StatementSheetSchema(ApiSchema):
    """One asset: `opening` and all amounts together are `closing`."""

    asset = AssetCodeField(required=True, attribute="asset.code")
    opening = SignedAmountField(required=True, metadata={"examples": ["100.00"]})
    movements = ma.fields.List(
        ma.fields.Nested(StatementLineSchema), required=True, attribute="lines"
    )
    closing = SignedAmountField(required=True, metadata={"examples": ["98.00"]})
    held = AmountField(
        required=True, metadata={"description": "Of `closing`, what was set aside at that moment"}
    )
    owed = SignedAmountField(
        required=True,
        metadata={"description": "What the caller owed then, beside it", "examples": ["0.00"]},
    )


class StatementSchema(ApiSchema):
    """An account over a period, oldest movement first."""

    account = EnumField(Wallet, required=True)
    from_ = TimestampField(required=True, attribute="period.start", metadata=_SINCE)
    to = TimestampField(required=True, attribute="period.end", metadata=_UNTIL)
    assets = ma.fields.List(
        ma.fields.Nested(StatementSheetSchema), required=True, attribute="asset_statements"
    )
