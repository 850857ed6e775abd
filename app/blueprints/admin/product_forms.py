"""The forms of products: add one, and change what can change about it."""

from collections.abc import Callable
from functools import partial

from app.access import Actor
from app.blueprints.form_changes import Facts
from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    file_field,
    hidden_field,
    text_field,
    tick_field,
)
from app.catalog.products import details, rules
from app.catalog.products import queries as products_queries
from app.catalog.products.rules import ProductForm
from app.catalog.rules import PRICED_NAMES, Metal
from app.catalog.tax_classes import TaxClass
from app.kit.db import Session
from app.pictures.file_types import BYTES_MAX
from app.shop.images import rules as image_rules
from app.vault import rules as vault_rules

_METALS = [(metal.value, PRICED_NAMES[metal].capitalize()) for metal in Metal]


def _check(name: str) -> Callable[[str], object]:
    return partial(details.parse, name)


def _check_reorder_point(text: str) -> None:
    if text:
        vault_rules.parse_units("reorder_below", text, least=0)


def _check_fill_to(text: str) -> None:
    if text:
        vault_rules.parse_units("fill_to", text, least=0)


class ProductSchema(FormSchema):
    """A new product. The names of the other details are as in `details.NAMES`."""

    sku = text_field(
        "SKU",
        "Enter a SKU.",
        hint="Capital letters, digits and hyphens, like AU-EAGLE-1OZ. It never changes.",
        check=rules.clean_sku,
    )
    name = text_field("Name", "Enter a name.", check=_check("name"))
    metal = choice_field("Metal", "Choose a metal.", _METALS)
    product_form = choice_field("Form", "Choose a form.", ProductForm.options())
    gross = text_field(
        "Gross weight in troy ounces",
        "Enter the gross weight.",
        check=lambda text: rules.parse_ounces("gross", text),
    )
    fineness = text_field(
        "Fineness", "Enter the fineness.", hint="Like 0.9167", check=rules.parse_fineness
    )
    fine = text_field(
        "Declared fine weight in troy ounces",
        None,
        hint="For a coin, as its mint declares it. Empty: gross weight by fineness.",
        check=lambda text: rules.parse_ounces("fine", text),
    )
    is_serialized = tick_field("Each bar has a serial number and a weight of its own", None)
    tax_class = choice_field("Tax class", "Choose a tax class.", TaxClass.options())
    reorder_below = text_field(
        "Low below",
        "Enter from how many units on stock is low.",
        hint="Units at one location",
        check=_check("reorder_below"),
    )


ADD_PRODUCT = Form(
    "add",
    title="Add a product",
    schema=ProductSchema,
    button="Add product",
    success="Product added.",
    failure="The product was not added",
)


class DescriptionSchema(FormSchema):
    """What customers read about a product."""

    name = text_field("Name", "Enter a name.", check=_check("name"))
    slug = text_field(
        "Name in URLs",
        "Enter a name for URLs.",
        hint="Like gold-eagle-1-oz. A link to the old name leads nowhere.",
        check=_check("slug"),
    )
    short_text = text_field(
        "Short text",
        None,
        hint=f"One line for lists, at most {details.SHORT_TEXT_LENGTH_MAX} characters",
        check=_check("short_text"),
    )
    long_text = text_field("Long text", None, control="textarea", check=_check("long_text"))
    category = choice_field("Category", None)
    mint = text_field("Mint or refiner", None, check=_check("mint"))
    year = text_field("Year", None, check=_check("year"))
    variant_group = text_field(
        "Group of variants",
        None,
        hint="Products with the same group are variants of each other, like gold-eagle.",
        check=_check("variant_group"),
    )
    width_mm = text_field(
        "Width in millimetres", None, hint="Of a coin, its diameter", check=_check("width_mm")
    )
    height_mm = text_field("Height in millimetres", None, check=_check("height_mm"))
    thickness_mm = text_field("Thickness in millimetres", None, check=_check("thickness_mm"))


class SaleSchema(FormSchema):
    """How a product is taxed and sold."""

    tax_class = choice_field("Tax class", "Choose a tax class.", TaxClass.options())
    is_legal_tender = tick_field("It is legal tender in the country of its mint", None)
    face_value = text_field("Face value", None, hint="Like 50", check=_check("face_value"))
    face_currency = text_field(
        "Currency of the face value", None, hint="Like USD", check=_check("face_currency")
    )
    gtin = text_field(
        "Barcode",
        None,
        hint="The digits under it: 8, 12, 13 or 14",
        check=_check("gtin"),
    )
    age_min = text_field("Minimum age", None, hint="In years", check=_check("age_min"))
    restricted_states = text_field(
        "States where it is not sold", None, hint="Like CA, TX", check=_check("restricted_states")
    )
    reorder_below = text_field(
        "Low below",
        "Enter from how many units on stock is low.",
        hint="Units at one location",
        check=_check("reorder_below"),
    )


class PublicationSchema(FormSchema):
    """When customers see a product, and where in a list."""

    published_from = text_field(
        "First day",
        None,
        control="date",
        hint="In UTC. Without one, customers do not see it.",
        check=_check("published_from"),
    )
    published_until = text_field(
        "Last day", None, control="date", hint="In UTC", check=_check("published_until")
    )
    display_order = text_field(
        "Place in lists",
        "Enter a place.",
        hint="Products with a lower number come first.",
        check=_check("display_order"),
    )


class ImageUploadSchema(FormSchema):
    """A picture of a product."""

    file = file_field(
        "Picture",
        "Choose a picture.",
        accept="image/jpeg,image/png,image/webp,image/heic,image/avif",
        hint=f"JPEG, PNG, WEBP, HEIC or AVIF, at most {BYTES_MAX // 2**20} MiB. Best with at least"
        f" {image_rules.SIDES[-1]} pixels on its longer side",
    )
    alt = text_field(
        "What it shows",
        "Say what it shows.",
        hint="For people who do not see it, like: Front of a Gold Eagle with Liberty",
        check=image_rules.clean_alt,
    )


class ImageChoiceSchema(FormSchema):
    """An image of the product."""

    image = hidden_field()


def _describe(schema: type[FormSchema]) -> Callable[..., Facts]:
    """Return the function that describes the details of this form as they are now."""
    labels = {name: str(one.metadata["label"]) for name, one in schema().fields.items()}

    def describe(session: Session, _actor: Actor, sku: str) -> Facts:
        texts = products_queries.get_product(session, sku).texts
        return {label: texts[name] for name, label in labels.items()}

    return describe


class ReorderPointSchema(FormSchema):
    """From how many units on a product is low at one location."""

    location = choice_field("Location", "Choose a location.")
    reorder_below = text_field(
        "Low below",
        None,
        hint="Available units there. Empty: as for every location.",
        check=_check_reorder_point,
    )
    fill_to = text_field(
        "Filled up to",
        None,
        hint="Units. No more are ordered for this location.",
        check=_check_fill_to,
    )


SET_REORDER_POINT = Form(
    "reorder",
    title="Reorder point of a location",
    about="For a location that needs more of this product than others, or less.",
    schema=ReorderPointSchema,
    button="Save for this location",
    success="Saved for this location.",
    failure="This was not saved",
    is_secondary=True,
)
DESCRIBE_PRODUCT = Form(
    "describe",
    title="Description",
    schema=DescriptionSchema,
    button="Save description",
    success="Description saved.",
    failure="The description was not saved",
    current=_describe(DescriptionSchema),
    subject=lambda sku: sku.upper(),
)
SELL_PRODUCT = Form(
    "sell",
    title="Sale",
    schema=SaleSchema,
    button="Save",
    success="Saved.",
    failure="This was not saved",
    current=_describe(SaleSchema),
    subject=lambda sku: sku.upper(),
)
PUBLISH_PRODUCT = Form(
    "publish",
    title="Publication",
    schema=PublicationSchema,
    button="Save publication",
    success="Publication saved.",
    failure="The publication was not saved",
    current=_describe(PublicationSchema),
    subject=lambda sku: sku.upper(),
)
ADD_IMAGE = Form(
    "image",
    title="Add an image",
    schema=ImageUploadSchema,
    button="Add image",
    success="Image added. Customers see it as soon as it is drawn.",
    failure="The image was not added",
    is_secondary=True,
    file_bytes_max=BYTES_MAX,
)
MOVE_IMAGE = Form(
    "image-ahead",
    title="Move ahead",
    schema=ImageChoiceSchema,
    button="Move ahead",
    success="Image moved ahead.",
    failure="The image was not moved",
)
REMOVE_IMAGE = Form(
    "image-remove",
    title="Delete",
    schema=ImageChoiceSchema,
    button="Delete",
    success="Image deleted.",
    failure="The image was not deleted",
    is_dangerous=True,
    confirm="Delete this image?",
)
