"""Schemas of the vault API."""

from typing import Any

import marshmallow as ma

from app.blueprints.api.schemas.fields import (
    AmountField,
    ApiSchema,
    CodesField,
    EnumField,
    MetalCodeField,
    PageQuerySchema,
    SignedAmountField,
    TextField,
    TimestampField,
)
from app.catalog.products.rules import ProductForm
from app.vault.stock.rules import StockLevel


class FormatField(CodesField):
    """What a product is, in capital letters; read in any case, as `ProductForm`."""

    def __init__(self, **options: Any) -> None:
        super().__init__({form.upper(): form.label for form in ProductForm}, **options)

    def _serialize(self, value: Any, *_others: Any, **_options: Any) -> str:
        return str(value).upper()

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> ProductForm:
        code = super()._deserialize(value.upper() if isinstance(value, str) else value)
        return ProductForm(code.lower())


class InventoryQuerySchema(PageQuerySchema):
    """A page of inventory, of one metal, product or location."""

    metal = MetalCodeField()
    sku = TextField(24, metadata={"description": "The whole SKU", "examples": ["AU-EAGLE-1OZ"]})
    location = TextField(
        16, metadata={"description": "The code of the location", "examples": ["NYC-VAULT"]}
    )


class InventoryItemSchema(ApiSchema):
    """The units of one product at one location."""

    metal = MetalCodeField(required=True)
    sku = ma.fields.String(
        required=True,
        metadata={"description": "The code of the product", "examples": ["AU-EAGLE-1OZ"]},
    )
    format = FormatField(
        attribute="form",
        required=True,
        metadata={"description": "What it is", "examples": ["COIN"]},
    )
    qty_available = ma.fields.Integer(
        attribute="available",
        required=True,
        metadata={"description": "Units for sale that are not reserved", "examples": [12]},
    )
    qty_reserved = ma.fields.Integer(
        attribute="reserved",
        required=True,
        metadata={"description": "Units for sale that are reserved", "examples": [3]},
    )
    vault_location = ma.fields.String(
        attribute="location_code",
        required=True,
        metadata={"description": "The code of the location", "examples": ["NYC-VAULT"]},
    )
    unit_cost = SignedAmountField(
        required=True,
        allow_none=True,
        metadata={
            "description": "What a unit that is left there cost on average, in US dollars: metal"
            " and premium. Null where no unit is left",
            "examples": ["3990.00"],
        },
    )


class InventorySchema(ApiSchema):
    """A page of inventory, in order of SKU."""

    data = ma.fields.List(
        ma.fields.Nested(InventoryItemSchema),
        required=True,
        metadata={"description": "The items of this page, in order of SKU"},
    )
    next_cursor = ma.fields.String(required=True, allow_none=True)


class LowStockItemSchema(InventoryItemSchema):
    """The units of a product of which fewer are available at a location than should be."""

    reorder_below = ma.fields.Integer(
        required=True,
        metadata={"description": "Fewer units than these are too few", "examples": [5]},
    )
    level = EnumField(
        StockLevel, required=True, metadata={"description": "`low`, or `critical` without a unit"}
    )


class LowStockSchema(ApiSchema):
    """A page of what is low, in order of SKU."""

    data = ma.fields.List(
        ma.fields.Nested(LowStockItemSchema),
        required=True,
        metadata={"description": "The items of this page, in order of SKU"},
    )
    next_cursor = ma.fields.String(required=True, allow_none=True)


class MetalInventorySchema(ApiSchema):
    """The goods of one metal that are ours, over all locations."""

    metal = MetalCodeField(required=True)
    units = ma.fields.Integer(
        required=True, metadata={"description": "Coins and bars in any state", "examples": [120]}
    )
    ounces = AmountField(
        required=True,
        metadata={
            "description": "Troy ounces as the market accounts them: fine for gold and copper,"
            " gross for silver, platinum and palladium",
            "examples": ["120.00000000"],
        },
    )
    cost_usd = SignedAmountField(
        attribute="cost",
        required=True,
        metadata={"description": "What they cost: metal and premium", "examples": ["478800.00"]},
    )
    value_usd = AmountField(
        attribute="value",
        required=True,
        allow_none=True,
        metadata={
            "description": "Their metal at the mid price; null without a price",
            "examples": ["480000.00"],
        },
    )


class InventorySummarySchema(ApiSchema):
    """The goods of every metal at one moment."""

    as_of = TimestampField(required=True)
    metals = ma.fields.List(ma.fields.Nested(MetalInventorySchema), required=True)
    total_cost_usd = SignedAmountField(
        attribute="total_cost",
        required=True,
        metadata={"description": "What all goods cost", "examples": ["478800.00"]},
    )
    total_value_usd = AmountField(
        attribute="total_value",
        required=True,
        allow_none=True,
        metadata={"description": "Null while a metal with goods has no price"},
    )
