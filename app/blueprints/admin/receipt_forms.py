"""The forms of deliveries: goods that are alike, and bars with serials."""

from app.blueprints.forms import Form, FormSchema, choice_field, text_field, tick_field
from app.catalog.products import rules as products_rules
from app.vault import rules as vault_rules
from app.vault.deliveries import rules as deliveries_rules

_SKU = text_field("SKU", "Enter a SKU.", check=products_rules.clean_sku)
_LOCATION = choice_field("Location", "Choose a location.")
_COST = text_field(
    "Cost of all units in US dollars",
    "Enter what all units cost.",
    hint="As on the supplier's invoice, like 39900.00",
    check=deliveries_rules.parse_cost,
)
_SPOT = text_field(
    "Price of the metal in US dollars per troy ounce",
    "Enter the price of the metal that was agreed.",
    hint="The rest of the cost is the premium.",
    check=deliveries_rules.parse_spot,
)
_SUPPLIER = text_field(
    "Supplier",
    "Enter the supplier.",
    check=lambda text: vault_rules.clean_text("supplier", text),
)
_SUPPLIER_REFERENCE = text_field(
    "Supplier's reference",
    "Enter the number of the invoice or delivery note.",
    check=lambda text: vault_rules.clean_text("supplier_reference", text),
)


class ReceiptSchema(FormSchema):
    """A delivery of one product."""

    sku = _SKU
    location = _LOCATION
    units = text_field(
        "Units",
        "Enter how many units arrived.",
        check=lambda text: vault_rules.parse_units("units", text),
    )
    cost = _COST
    spot = _SPOT
    supplier = _SUPPLIER
    supplier_reference = _SUPPLIER_REFERENCE
    quarantine = tick_field("Receive into quarantine", None)


class BarReceiptSchema(FormSchema):
    """A delivery of bars of one product."""

    sku = _SKU
    location = _LOCATION
    bars = text_field(
        "Bars",
        "Enter the bars, one a line.",
        control="textarea",
        hint="Serial, refiner, gross weight in troy ounces, fineness, year, assay reference, like"
        " 123456, Valcambi, 401.125, 995.8, 2023. Year and assay reference may be missing. Rows of"
        " a spreadsheet can be pasted.",
    )
    cost = _COST
    spot = _SPOT
    supplier = _SUPPLIER
    supplier_reference = _SUPPLIER_REFERENCE


RECEIVE_GOODS = Form(
    "receive",
    title="Receive goods",
    about="Count the units before you record them. They are for sale at once, or"
    " when an assay has passed them.",
    schema=ReceiptSchema,
    button="Receive goods",
    success="Goods received.",
    failure="The goods were not received",
    confirm="Receive these goods? Check the figures: a receipt is not changed afterwards.",
)
RECEIVE_BARS = Form(
    "receive",
    title="Receive bars",
    about="Weigh the bars and compare their serials before you record them. They are for sale at"
    " once. A large bar of gold is recorded in steps of 0.025 troy ounces and one of silver in"
    " steps of 0.10, rounded down.",
    schema=BarReceiptSchema,
    button="Receive bars",
    success="Bars received.",
    failure="The bars were not received",
    confirm="Receive these bars? Check the figures: a receipt is not changed afterwards.",
)
