"""Schemas of balances, transfers, movements and statements."""

from enum import StrEnum
from typing import Any

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    AssetCodeField,
    EnumField,
    MetalCodeField,
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
from app.storage_fees.rules import ChargeStatus


class HoldingSchema(ApiSchema):
    """The balance of one asset."""

    asset = AssetCodeField(required=True, attribute="total.asset.code")
    available = AmountField(required=True)
    held = AmountField(required=True)
    total = AmountField(required=True)
    owed = AmountField(
        required=True,
        metadata={
            "description": "What the caller owes PBCEx, beside `total`: nothing is withdrawn until "
            "it is paid, and what comes in pays it first",
            "examples": ["0.00"],
        },
    )
    usd_value = AmountField(
        required=True,
        allow_none=True,
        metadata={"description": "At the bid price, before any fee; null without a price"},
    )


class BalancesSchema(ApiSchema):
    """All balances, by account."""

    funding = ma.fields.List(ma.fields.Nested(HoldingSchema), required=True)
    trading = ma.fields.List(ma.fields.Nested(HoldingSchema), required=True)
    total_usd = AmountField(required=True)
    withheld_usd = AmountField(
        required=True,
        metadata={
            "description": "Paid in by card lately: it can be traded, and withdrawn once settled",
            "examples": ["0.00"],
        },
    )
    withheld_until = TimestampField(
        required=True, allow_none=True, metadata={"description": "When all of that is settled"}
    )
    withdrawable_usd = AmountField(
        required=True, metadata={"description": "What can be withdrawn in all, by its worth"}
    )


class TransferRequestSchema(ApiSchema):
    """PAXG from funding to trading, or XAU-s from trading to funding."""

    asset = AssetCodeField(required=True)
    amount = AmountField(required=True, metadata={"examples": ["1.5"]})
    from_ = EnumField(Wallet, required=True)
    to = EnumField(Wallet, required=True)

    @ma.validates_schema
    def _amount(self, data: dict[str, Any], **_options: Any) -> None:
        parse_amount("amount", data["asset"], data["amount"])


class TransferSchema(ApiSchema):
    """A transfer between a customer's own accounts, one to one by weight."""

    id = PublicIdField("trf", required=True)
    from_asset = AssetCodeField(required=True, attribute="given.asset.code")
    from_amount = AmountField(required=True, attribute="given")
    to_asset = AssetCodeField(required=True, attribute="received.asset.code")
    to_amount = AmountField(required=True, attribute="received")
    transferred_at = TimestampField(required=True)


_SINCE = {"description": "From this time on", "examples": ["2026-11-01T00:00:00.000Z"]}
_UNTIL = {
    "description": "Up to but not including this time",
    "examples": ["2026-12-01T00:00:00.000Z"],
}
_REFERENCE = {
    "description": "The id of its cause: an order, a transfer, a deposit",
    "examples": [example_id("trd")],
}
_DESCRIPTION = {"examples": ["Trade to 0.02487500 XAU-s"]}
_FEE = {"description": "In the same asset; included in the amount", "examples": ["0.50"]}


class MovementsQuerySchema(PageQuerySchema):
    """The query of movements: filters and page."""

    asset = AssetCodeField()
    kind = EnumField(MovementKind)
    from_ = TimestampField(metadata=_SINCE)
    to = TimestampField(metadata=_UNTIL)


class MovementSchema(ApiSchema):
    """The effect of one entry on one account: positive amounts came in, negative went out."""

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
    """The formats of a statement."""

    JSON = "json"
    """As a JSON object."""
    CSV = "csv"
    """As a table, one movement a line."""
    PDF = "pdf"
    """As a document to print."""


class StatementQuerySchema(ApiSchema):
    """The query of a statement: account, asset and period."""

    account = EnumField(Wallet, required=True)
    asset = AssetCodeField(metadata={"description": "One asset of the account; by default all"})
    from_ = TimestampField(
        metadata={**_SINCE, "description": "By default the first day of the month of `to`"}
    )
    to = TimestampField(
        metadata={**_UNTIL, "description": "Up to but not including this time; by default now"}
    )
    format = EnumField(
        StatementFormat, metadata={"description": "Takes precedence over the Accept header"}
    )


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
    late = ma.fields.Boolean(
        required=True,
        attribute="is_late",
        metadata={
            "description": "Whether `at` is before the period: booked after a statement of that "
            "time was issued"
        },
    )
    details = ma.fields.List(
        TextField(300),
        required=True,
        metadata={
            "description": "The arithmetic of a storage fee: one line for each metal, or each rate "
            "of it; empty for other movements",
        },
    )


class StatementSheetSchema(ApiSchema):
    """One asset: `opening` plus all amounts is `closing`."""

    asset = AssetCodeField(required=True, attribute="asset.code")
    opening = SignedAmountField(required=True, metadata={"examples": ["100.00"]})
    movements = ma.fields.List(
        ma.fields.Nested(StatementLineSchema), required=True, attribute="lines"
    )
    closing = SignedAmountField(required=True, metadata={"examples": ["98.00"]})
    held = AmountField(
        required=True,
        metadata={"description": "The part of `closing` that was on hold at that time"},
    )
    owed = SignedAmountField(
        required=True,
        metadata={
            "description": "What the caller owed at that time, beside `closing`",
            "examples": ["0.00"],
        },
    )


class StatementSchema(ApiSchema):
    """A statement of one account over a period, oldest movement first."""

    account = EnumField(Wallet, required=True)
    from_ = TimestampField(required=True, attribute="period.start", metadata=_SINCE)
    to = TimestampField(required=True, attribute="period.end", metadata=_UNTIL)
    assets = ma.fields.List(
        ma.fields.Nested(StatementSheetSchema), required=True, attribute="asset_statements"
    )


_ARITHMETIC = {"description": "The arithmetic: each metal, or each rate of it"}
_PERCENT = {"description": "Percent a year", "examples": ["0.12"]}


class StorageFeeLineSchema(ApiSchema):
    """One metal on the days with one rate and one allowance: `value` x `ratePercent` % x `days` /
    365. A metal is rounded once."""

    metal = MetalCodeField(required=True)
    days = ma.fields.Integer(
        required=True,
        metadata={"description": "The days with more than the free ounces", "examples": [30]},
    )
    ounces = AmountField(
        required=True,
        attribute="average",
        metadata={"description": "Troy ounces on an average day", "examples": ["12.50000000"]},
    )
    free_ounces = AmountField(
        required=True,
        attribute="allowance",
        metadata={"description": "Troy ounces that are free", "examples": ["1.00000000"]},
    )
    value = AmountField(
        required=True,
        metadata={
            "description": "What the ounces above those were worth on an average day, in US dollars"
        },
    )
    rate_percent = AmountField(required=True, attribute="rate", metadata=_PERCENT)
    fee = AmountField(required=True, metadata={"description": "In US dollars"})
    explanation = TextField(
        300, required=True, metadata={"description": "The same in one line, for people"}
    )


class StorageChargeSchema(ApiSchema):
    """What the metal of a month costs, and how it was paid, in US dollars."""

    id = PublicIdField("sfe", required=True)
    month = ma.fields.Date(
        required=True,
        metadata={"description": "The first day of the month", "examples": ["2026-11-01"]},
    )
    status = EnumField(ChargeStatus, required=True)
    fee = AmountField(required=True, metadata={"description": "What the month costs"})
    paid_in_dollars = AmountField(
        required=True, metadata={"description": "What your dollars paid of it"}
    )
    paid_by_sale = AmountField(
        required=True, metadata={"description": "What metal paid of it, sold by your consent"}
    )
    sold_asset = AssetCodeField(
        required=True,
        allow_none=True,
        metadata={"description": "What was sold; null without a sale"},
    )
    sold_amount = AmountField(
        required=True,
        allow_none=True,
        attribute="sold",
        metadata={"description": "The metal that was sold; null without a sale"},
    )
    sale_price = AmountField(
        required=True,
        allow_none=True,
        metadata={"description": "In US dollars per troy ounce; null without a sale"},
    )
    owed = AmountField(
        required=True, metadata={"description": "What you owed of it when it was charged"}
    )
    charged_at = TimestampField(
        required=True, allow_none=True, metadata={"description": "Null while it is due"}
    )
    waived_at = TimestampField(
        required=True, allow_none=True, metadata={"description": "Null unless it was waived"}
    )
    lines = ma.fields.List(
        ma.fields.Nested(StorageFeeLineSchema), required=True, metadata=_ARITHMETIC
    )


class AccruedStorageSchema(ApiSchema):
    """What this month has cost so far."""

    month = ma.fields.Date(
        required=True,
        metadata={"description": "The first day of the month", "examples": ["2026-11-01"]},
    )
    last_day = ma.fields.Date(
        required=True,
        allow_none=True,
        metadata={
            "description": "The last day that counts so far; null before the first",
            "examples": ["2026-11-29"],
        },
    )
    total = AmountField(required=True, metadata={"description": "In US dollars"})
    lines = ma.fields.List(
        ma.fields.Nested(StorageFeeLineSchema), required=True, metadata=_ARITHMETIC
    )


class StorageFeesSchema(ApiSchema):
    """What storing metal costs: this month so far, and the months before."""

    accrued = ma.fields.Nested(
        AccruedStorageSchema, required=True, metadata={"description": "This month so far"}
    )
    charges = ma.fields.List(
        ma.fields.Nested(StorageChargeSchema),
        required=True,
        metadata={"description": "The latest 60 months that cost something, newest first"},
    )
