"""The forms of the packing station."""

from app.blueprints.forms import Form, FormSchema, date_field, text_field
from app.vault.rules import clean_text


class NumberSchema(FormSchema):
    """The number of an order or a shipment."""

    number = text_field(
        "Number", "Scan or enter a number.", hint="Of the order, the redemption or the shipment"
    )


class ScanSchema(FormSchema):
    """What a scanner read."""

    code = text_field(
        "Serial or SKU",
        "Scan or enter what you have in your hand.",
        hint="Bars by their serial. Other goods by their SKU; several like AU-EAGLE-1OZ*5.",
    )


class HandoverSchema(FormSchema):
    """What shows that another person has the shipment now."""

    evidence = text_field(
        "Evidence",
        "Enter what shows it, such as the carrier's number.",
        hint="Such as the carrier and its number",
        check=lambda text: clean_text("evidence", text),
    )


class MissingSchema(FormSchema):
    """When goods that are missing are expected."""

    expected_on = date_field("Expected by", "Enter a day.")


FIND = Form(
    "station",
    title="Open the packing station",
    about="Scan the number on the picking list. The shipment opens, with what is to be picked.",
    schema=NumberSchema,
    button="Open",
    failure="There is no such shipment",
)
START = Form(
    "start",
    title="Start picking",
    schema=FormSchema,
    button="Start picking",
    success="Picking has begun. The shipment can no longer be cancelled.",
    failure="Picking was not begun",
)
SCAN = Form(
    "scan",
    title="Scan the goods",
    schema=ScanSchema,
    button="Count",
    failure="Stop: these goods do not belong here",
)
PACK = Form(
    "pack",
    title="Pack",
    schema=FormSchema,
    button="Goods are packed",
    success="Goods packed.",
    failure="The goods were not packed",
)
STOP = Form(
    "stop",
    title="Put the goods back",
    schema=FormSchema,
    button="Put the goods back",
    success="The shipment is to be picked again.",
    failure="The goods were not put back",
    is_secondary=True,
    confirm="Put the goods back on the shelf? They are to be scanned again later.",
)
MISSING = Form(
    "missing",
    title="Goods are missing",
    about="Scan what is there first. What is not scanned gets a shipment of its own, and the"
    " customer is notified of the day. Count the shelf afterwards.",
    schema=MissingSchema,
    button="Send the rest later",
    success="The missing goods have a shipment of their own. The customer has been notified.",
    failure="Nothing was set aside",
    is_secondary=True,
    confirm="Send the rest later?",
)
SHIP = Form(
    "ship",
    title="Hand to the carrier",
    schema=HandoverSchema,
    button="Carrier has it",
    success="Shipment shipped.",
    failure="The shipment was not shipped",
)
DELIVER = Form(
    "deliver",
    title="Record the delivery",
    schema=HandoverSchema,
    button="Customer has it",
    success="Shipment delivered.",
    failure="The delivery was not recorded",
)
