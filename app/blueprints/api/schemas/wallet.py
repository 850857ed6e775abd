"""What balances and transfers look like on the wire."""

from enum import StrEnum
from typing import Any, ClassVar

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountText,
    AssetCode,
    Choice,
    Instant,
    PageQuery,
    PublicId,
    Schema,
    SignedAmountText,
    Text,
    amount,
    example_id,
)
from app.catalog.rules import Wallet
from app.reporting.movement_labels import MovementKind


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


_SINCE = {"description": "From this moment on", "examples": ["2026-11-01T00:00:00.000Z"]}
_UNTIL = {"description": "Up to this moment, and not it", "examples": ["2026-12-01T00:00:00.000Z"]}
_REFERENCE = {
    "description": "Of what moved it: an order, a transfer, a deposit",
    "examples": [example_id("trd")],
}
_DESCRIPTION = {"examples": ["Trade to 0.02487500 XAU-s"]}
_FEE = {"description": "In the same asset, and part of the amount", "examples": ["0.50"]}


class MovementsQuery(PageQuery):
    """Which movements, and which page of them."""

    asset = AssetCode()
    kind = Choice(MovementKind)
    from_ = Instant(metadata=_SINCE)
    to = Instant(metadata=_UNTIL)


class Movement(Schema):
    """What one entry did to one account: above zero what came, below what went."""

    at = Instant(required=True, attribute="posted_at")
    account = Choice(Wallet, required=True)
    asset = AssetCode(required=True, attribute="amount.asset.code")
    amount = SignedAmountText(required=True)
    fee = SignedAmountText(required=True, allow_none=True, metadata=_FEE)
    kind = Choice(MovementKind, required=True)
    description = Text(200, required=True, metadata=_DESCRIPTION)
    reference = Text(200, required=True, metadata=_REFERENCE)


class Movements(Schema):
    """A page of movements, newest first."""

    data = ma.fields.List(ma.fields.Nested(Movement), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class StatementFormat(StrEnum):
    """What a statement can be had as."""

    JSON = "json"
    CSV = "csv"
    PDF = "pdf"


class StatementQuery(Schema):
    """Which account, which part of it, and when."""

    account = Choice(Wallet, required=True)
    asset = AssetCode(metadata={"description": "One asset of the account; otherwise all"})
    from_ = Instant(
        metadata={**_SINCE, "description": "Otherwise from the first of the month of `to`"}
    )
    to = Instant(metadata={**_UNTIL, "description": "Up to this moment, and not it; otherwise now"})
    format = Choice(StatementFormat, metadata={"description": "Before what Accept says"})


class StatementLine(Schema):
    """A movement with the balance after it."""

    at = Instant(required=True, attribute="movement.posted_at")
    amount = SignedAmountText(required=True, attribute="movement.amount")
    fee = SignedAmountText(required=True, allow_none=True, attribute="movement.fee", metadata=_FEE)
    balance = SignedAmountText(required=True)
    kind = Choice(MovementKind, required=True, attribute="movement.kind")
    description = Text(200, required=True, attribute="movement.description", metadata=_DESCRIPTION)
    reference = Text(200, required=True, attribute="movement.reference", metadata=_REFERENCE)


class StatementSheet(Schema):
    """One asset: `opening` and all amounts together are `closing`."""

    asset = AssetCode(required=True, attribute="asset.code")
    opening = SignedAmountText(required=True, metadata={"examples": ["100.00"]})
    movements = ma.fields.List(ma.fields.Nested(StatementLine), required=True, attribute="lines")
    closing = SignedAmountText(required=True, metadata={"examples": ["98.00"]})
    held = AmountText(
        required=True, metadata={"description": "Of `closing`, what was set aside at that moment"}
    )
    owed = SignedAmountText(
        required=True,
        metadata={"description": "What the caller owed then, beside it", "examples": ["0.00"]},
    )


class Statement(Schema):
    """An account over a period, oldest movement first."""

    account = Choice(Wallet, required=True)
    from_ = Instant(required=True, attribute="period.start", metadata=_SINCE)
    to = Instant(required=True, attribute="period.end", metadata=_UNTIL)
    assets = ma.fields.List(
        ma.fields.Nested(StatementSheet), required=True, attribute="asset_statements"
    )
