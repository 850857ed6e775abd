"""Schemas of the shop."""

from collections.abc import Mapping
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
)
from app.catalog.products.rules import ProductForm
from app.catalog.search.rules import TEXT_LENGTH_MAX
from app.catalog.tax_classes import TaxClass
from app.kit.errors import Invalid
from app.shop.storefront import rules
from app.shop.storefront.rules import PriceBand, ProductSort, WeightBand

_OUNCES = {"description": "In troy ounces", "examples": ["1.00000000"]}
_FORMS: Mapping[str, str] = {form.value.upper(): form.label for form in ProductForm}
_FLAGS = {"true": "Yes.", "false": "No."}


class FlagField(CodesField):
    """`true` or `false` in a query, loaded as a boolean."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_FLAGS, **options)

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> Any:
        return super()._deserialize(value) == "true"


class SkusField(TextField):
    """SKUs that commas separate, loaded as a list."""

    def __init__(self, **options: Any) -> None:
        super().__init__(400, **options)

    def _deserialize(self, value: Any, *_others: Any, **_options: Any) -> Any:
        try:
            return rules.parse_skus(super()._deserialize(value, *_others, **_options))
        except Invalid as refusal:
            raise ma.ValidationError(refusal.message) from None


class ProductFormField(CodesField):
    """The form of a product in capital letters: BAR, COIN …"""

    def __init__(self, **options: Any) -> None:
        super().__init__(_FORMS, **options)

    def _serialize(self, value: Any, *_others: Any, **_options: Any) -> str:
        return str(value).upper()


class OffersQuerySchema(PageQuerySchema):
    """What to look for."""

    metal = MetalCodeField()
    category = TextField(
        80,
        metadata={
            "description": "A form, also in the plural, or the slug of a category, with what is"
            " below it",
            "examples": ["BARS"],
        },
    )
    search = TextField(
        TEXT_LENGTH_MAX,
        metadata={
            "description": "Words, in any order. Mistyped ones and synonyms are understood.",
            "examples": ["10oz silver"],
        },
    )
    mint = TextField(60, metadata={"description": "A mint, as a facet names it"})
    weight = EnumField(WeightBand)
    price = EnumField(PriceBand)
    in_stock = FlagField(metadata={"description": "Whether units are for sale"})
    skus = SkusField(
        metadata={
            "description": "Just these products, to compare them: up to 10 SKUs, separated by"
            " commas. Others and unknown ones are left out",
            "examples": ["AU-EAGLE-1OZ,AU-MAPLE-1OZ"],
        }
    )
    sort = EnumField(ProductSort)
    facets = FlagField(metadata={"description": "Whether to count what was found by its values"})


class ImageSizeSchema(ApiSchema):
    """An image in one size."""

    url = ma.fields.String(
        required=True,
        metadata={
            "description": "A path on this host, whose content never changes: WebP, or SVG",
            "examples": ["/images/9f86d081884c7d659a2feaa0c55ad015.webp"],
        },
    )
    width = ma.fields.Integer(required=True, metadata={"description": "In pixels"})
    height = ma.fields.Integer(required=True, metadata={"description": "In pixels"})


class ImageSchema(ApiSchema):
    """An image. Its own URL is that of its largest size."""

    url = ma.fields.String(required=True, attribute="largest.url")
    width = ma.fields.Integer(required=True, attribute="largest.width")
    height = ma.fields.Integer(required=True, attribute="largest.height")
    alt = ma.fields.String(
        required=True, metadata={"description": "What it shows, for people who do not see it"}
    )
    sizes = ma.fields.List(
        ma.fields.Nested(ImageSizeSchema),
        required=True,
        metadata={"description": "From the smallest to the largest"},
    )


class PriceTierSchema(ApiSchema):
    """What one unit costs from a quantity on."""

    from_quantity = ma.fields.Integer(required=True)
    unit_price = AmountField(required=True, metadata={"description": "In US dollars"})


_PRICE = {
    "description": "What one unit costs now in US dollars, before tax and shipping; null while it"
    " is not for sale. A price lock keeps it"
}
_TIERS = {"description": "Prices by quantity; none while it is not for sale"}


class OfferSchema(ApiSchema):
    """A product in a list."""

    sku = ma.fields.String(required=True, metadata={"examples": ["AU-EAGLE-1OZ"]})
    slug = ma.fields.String(required=True, metadata={"description": "Its name in URLs"})
    name = ma.fields.String(required=True)
    short_text = ma.fields.String(required=True)
    metal = MetalCodeField(required=True)
    form = ProductFormField(required=True)
    category = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The slug of its category"}
    )
    mint = ma.fields.String(required=True, allow_none=True)
    year = ma.fields.Integer(required=True, allow_none=True)
    gross_weight = AmountField(required=True, metadata=_OUNCES)
    fine_weight = AmountField(required=True, metadata=_OUNCES)
    fineness = AmountField(required=True, metadata={"examples": ["0.91670"]})
    available = ma.fields.Integer(
        required=True, metadata={"description": "Units that are for sale and not reserved"}
    )
    images = ma.fields.List(
        ma.fields.Nested(ImageSchema),
        required=True,
        metadata={"description": "The first one is that of lists"},
    )
    price = AmountField(required=True, allow_none=True, metadata=_PRICE)
    price_per_fine_ounce = AmountField(
        required=True,
        allow_none=True,
        metadata={
            "description": "What a troy ounce of fine metal costs in it, in US dollars",
            "examples": ["4208.40"],
        },
    )
    premium_percent = SignedAmountField(
        required=True,
        allow_none=True,
        metadata={
            "description": "By how many percent it costs more than its metal at the ask",
            "examples": ["5.00"],
        },
    )
    price_tiers = ma.fields.List(
        ma.fields.Nested(PriceTierSchema), required=True, attribute="tiers", metadata=_TIERS
    )


class FacetSchema(ApiSchema):
    """A value, and how many of the products that were found have it."""

    value = ma.fields.String(required=True)
    label = ma.fields.String(required=True)
    count = ma.fields.Integer(required=True)


class FacetsSchema(ApiSchema):
    """The values of the products that were found, the most frequent first."""

    metal = ma.fields.List(ma.fields.Nested(FacetSchema), required=True)
    form = ma.fields.List(ma.fields.Nested(FacetSchema), required=True)
    mint = ma.fields.List(ma.fields.Nested(FacetSchema), required=True)
    weight = ma.fields.List(ma.fields.Nested(FacetSchema), required=True)
    price = ma.fields.List(ma.fields.Nested(FacetSchema), required=True)
    in_stock = ma.fields.List(ma.fields.Nested(FacetSchema), required=True)


class OffersSchema(ApiSchema):
    """A page of products."""

    data = ma.fields.List(ma.fields.Nested(OfferSchema), required=True, attribute="page.data")
    next_cursor = ma.fields.String(required=True, allow_none=True, attribute="page.next_cursor")
    facets = ma.fields.Nested(
        FacetsSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null unless they were asked for"},
    )


class OfferDetailsSchema(ApiSchema):
    """Everything that customers read of a product."""

    sku = ma.fields.String(required=True, attribute="product.sku")
    slug = ma.fields.String(required=True, attribute="product.slug")
    name = ma.fields.String(required=True, attribute="product.name")
    short_text = ma.fields.String(required=True, attribute="product.short_text")
    long_text = ma.fields.String(required=True, attribute="product.long_text")
    metal = MetalCodeField(required=True, attribute="product.metal")
    form = ProductFormField(required=True, attribute="product.form")
    category = ma.fields.String(required=True, allow_none=True, attribute="product.category")
    mint = ma.fields.String(required=True, allow_none=True, attribute="product.mint")
    year = ma.fields.Integer(required=True, allow_none=True, attribute="product.year")
    gross_weight = AmountField(required=True, attribute="product.gross_weight", metadata=_OUNCES)
    fine_weight = AmountField(required=True, attribute="product.fine_weight", metadata=_OUNCES)
    fineness = AmountField(required=True, attribute="product.fineness")
    is_serialized = ma.fields.Boolean(
        required=True,
        attribute="product.is_serialized",
        metadata={"description": "Whether each bar has a number and a weight of its own"},
    )
    face_value = AmountField(required=True, allow_none=True, attribute="product.face_value")
    face_currency = ma.fields.String(
        required=True,
        allow_none=True,
        attribute="product.face_currency",
        metadata={"description": "ISO 4217", "examples": ["USD"]},
    )
    is_legal_tender = ma.fields.Boolean(required=True, attribute="product.is_legal_tender")
    tax_class = EnumField(TaxClass, required=True, attribute="product.tax_class")
    gtin = ma.fields.String(
        required=True,
        allow_none=True,
        attribute="product.gtin",
        metadata={"description": "14 digits", "examples": ["04006381333931"]},
    )
    width_mm = AmountField(required=True, allow_none=True, attribute="product.width_mm")
    height_mm = AmountField(required=True, allow_none=True, attribute="product.height_mm")
    thickness_mm = AmountField(required=True, allow_none=True, attribute="product.thickness_mm")
    age_min = ma.fields.Integer(
        required=True,
        allow_none=True,
        attribute="product.age_min",
        metadata={"description": "Sold to people of this age and older"},
    )
    restricted_states = ma.fields.List(
        ma.fields.String(),
        required=True,
        attribute="product.restricted_states",
        metadata={"description": "States of the United States in which it is not sold"},
    )
    images = ma.fields.List(ma.fields.Nested(ImageSchema), required=True, attribute="offer.images")
    available = ma.fields.Integer(required=True, attribute="offer.available")
    price = AmountField(required=True, allow_none=True, attribute="offer.price", metadata=_PRICE)
    price_tiers = ma.fields.List(
        ma.fields.Nested(PriceTierSchema), required=True, attribute="offer.tiers", metadata=_TIERS
    )
    variants = ma.fields.List(
        ma.fields.Nested(OfferSchema),
        required=True,
        metadata={"description": "The other products of its group, by weight"},
    )
    also_bought = ma.fields.List(
        ma.fields.Nested(OfferSchema),
        required=True,
        metadata={
            "description": "What people buy together with it, what most of them buy first. What few"
            " people bought together is left out"
        },
    )


class CategoryOfferSchema(ApiSchema):
    """A category."""

    slug = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    parent = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "The slug of the one above"}
    )
    count = ma.fields.Integer(
        required=True, metadata={"description": "Products in it and below it"}
    )


class CategoryOffersSchema(ApiSchema):
    """The tree of categories, each before those below it."""

    data = ma.fields.List(ma.fields.Nested(CategoryOfferSchema), required=True)
