"""The forms of the page of an order."""

from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    hidden_field,
    reason_field,
    text_field,
)
from app.cases.rules import NOTE_LENGTH_MAX
from app.shop.orders.notes import NoteReader
from app.vault import rules as vault_rules


class CancelSchema(FormSchema):
    """Why staff cancel a paid order."""

    reason = reason_field()


CANCEL = Form(
    "cancel",
    title="Cancel the order",
    about="For the customer, on the terms that they agreed to: the fee and what the metal has lost"
    " stay with PBCEx. The market may move until it is done.",
    schema=CancelSchema,
    button="Cancel order",
    success="Order cancelled. The customer has been notified.",
    failure="The order was not cancelled",
    is_dangerous=True,
    confirm="Cancel this order and give its money back?",
)


class UnitsRefundSchema(FormSchema):
    """Units of a line to refund."""

    line = choice_field("Product", "Choose the product.")
    units = text_field(
        "Units",
        "Enter how many units.",
        check=lambda text: vault_rules.parse_units("units", text),
    )
    shipping = choice_field(
        "Shipping and insurance",
        "Choose whether they go back.",
        (("no", "Keep them"), ("yes", "Give them back")),
    )


PREVIEW_REFUND = Form(
    "refund_preview",
    title="Refund units",
    about="Without a loss or fee for the customer. The tax of what stays is assessed anew. Goods on"
    " the shelf are for sale again; goods that were shipped stay with the customer. You see what"
    " goes back before you refund it.",
    schema=UnitsRefundSchema,
    button="Show the refund",
    failure="There is no such refund",
    is_secondary=True,
)


class ShownRefundSchema(FormSchema):
    """The refund that was shown, and why it is made."""

    line = hidden_field()
    units = hidden_field()
    shipping = hidden_field()
    reason = reason_field()


REFUND = Form(
    "refund",
    title="Refund",
    about="A second person approves a large refund, and sees its sums before.",
    schema=ShownRefundSchema,
    button="Refund",
    success="Refunded. The customer has been notified.",
    failure="Nothing was refunded",
    confirm="Refund these units?",
)


class FewerUnitsSchema(FormSchema):
    """A line of an order, and how many units it is to have."""

    line = choice_field("Product", "Choose the product.")
    units = text_field("Units left", "Enter how many units are left.", hint="0 removes the product")


PREVIEW_REDUCTION = Form(
    "reduction_preview",
    title="Lower the units",
    about="For the customer, on the terms that they agreed to: the fee, and what the metal of the"
    " units has lost, stay with PBCEx. For more units, the customer places a new order. You see"
    " what goes back before you change the order.",
    schema=FewerUnitsSchema,
    button="Show the change",
    failure="There is no such change",
    is_secondary=True,
)


class ShownReductionSchema(FormSchema):
    """The change that was shown, and why it is made."""

    line = hidden_field()
    units = hidden_field()
    reason = reason_field()


REDUCTION = Form(
    "reduction",
    title="Change the order",
    about="The market may move until it is done.",
    schema=ShownReductionSchema,
    button="Change order",
    success="Order changed. The customer has been notified.",
    failure="The order was not changed",
    confirm="Change this order?",
)


class ReviewSchema(FormSchema):
    """Why staff release or reject an order."""

    reason = reason_field("Reason (internal)")


RELEASE = Form(
    "release",
    title="Release",
    about="The goods are sold to the customer at once, at the prices that were promised. A large"
    " order waits for a second person.",
    schema=ReviewSchema,
    button="Release order",
    success="Order released. Its goods are sold to the customer.",
    failure="The order was not released",
)
REJECT = Form(
    "reject",
    title="Reject",
    about="The order ends. Its goods are for sale again, and the customer can use what paid for it."
    " They are notified, without the reason.",
    schema=ReviewSchema,
    button="Reject order",
    success="Order rejected. What paid for it is in the customer's balance.",
    failure="The order was not rejected",
    is_dangerous=True,
    confirm="Reject this order?",
)


class NoteOnOrderSchema(FormSchema):
    """A note on an order."""

    note = text_field(
        "Note", f"Enter a note (1 to {NOTE_LENGTH_MAX} characters).", control="textarea"
    )
    reader = choice_field("Who reads it", "Choose who reads it.", NoteReader.options())


NOTE = Form(
    "note",
    title="Add a note",
    about="A note stays as it is. The customer is notified of one that is for them.",
    schema=NoteOnOrderSchema,
    button="Add note",
    success="Note added.",
    failure="The note was not added",
    is_secondary=True,
)
