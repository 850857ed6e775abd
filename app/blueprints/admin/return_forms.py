"""The forms of returns of goods."""

from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    file_field,
    reason_field,
    text_field,
)
from app.pictures.file_types import BYTES_MAX
from app.shop.returns.rules import Finding, ReturnReason, ReturnWay, ReturnWish
from app.vault import rules as vault_rules


class ReturnReasonSchema(FormSchema):
    """Why staff decide as they do, for staff."""

    reason = reason_field("Reason (internal)")


class CustomerReasonSchema(FormSchema):
    """Why staff decide as they do, as the customer reads it."""

    reason = reason_field("Reason, which the customer reads", hint="In whole sentences.")


class ApproveReturnSchema(FormSchema):
    """Where the goods come to."""

    location = choice_field("Location", "Choose where the goods come to.")
    reason = reason_field("Reason (internal)")


class ReceiveSchema(FormSchema):
    """What was scanned."""

    scans = text_field(
        "Serials and SKUs",
        "Scan what came.",
        control="textarea",
        hint="One a line: bars by their serial, other goods by their SKU, several like"
        " AU-EAGLE-1OZ*5.",
    )


class PhotoSchema(FormSchema):
    """A photo of goods."""

    file = file_field(
        "Photo",
        "Choose a photo.",
        accept="image/jpeg,image/png,image/webp,image/heic,image/avif",
        hint=f"JPEG, PNG, WEBP, HEIC or AVIF, at most {BYTES_MAX // 2**20} MiB",
    )


class InspectSchema(FormSchema):
    """What an inspection found."""

    finding = choice_field("Finding", "Choose what was found.", Finding.options())
    reason = reason_field("In words", hint="What is seen, measured or missing.")


class OpenReturnSchema(FormSchema):
    """Units that a customer returns, as they say."""

    line = choice_field("Product", "Choose the product.")
    units = text_field(
        "Units",
        "Enter how many units.",
        check=lambda text: vault_rules.parse_units("units", text),
    )
    why = choice_field("Why", "Choose why.", ReturnReason.options())
    way = choice_field("How the goods come", "Choose how they come.", ReturnWay.options())
    wish = choice_field("What the customer wants", "Choose what they want.", ReturnWish.options())
    reason = reason_field("Note (internal)")


OPEN = Form(
    "open",
    title="Open a return",
    about="For the customer, who asked for it. It is approved on its own page.",
    schema=OpenReturnSchema,
    button="Open return",
    success="Return opened.",
    failure="The return was not opened",
)
APPROVE = Form(
    "approve",
    title="Approve",
    about="The goods may come back. Of a parcel, the customer gets a label that PBCEx pays for.",
    schema=ApproveReturnSchema,
    button="Approve return",
    success="Return approved. The customer has been notified.",
    failure="The return was not approved",
)
REFUSE = Form(
    "refuse",
    title="Refuse",
    about="The goods stay with the customer.",
    schema=CustomerReasonSchema,
    button="Refuse return",
    success="Return refused. The customer has been notified.",
    failure="The return was not refused",
    is_dangerous=True,
    confirm="Refuse this return?",
)
RECEIVE = Form(
    "receive",
    title="Receive the goods",
    about="Scan everything that came. What is not scanned did not come: the customer keeps it.",
    schema=ReceiveSchema,
    button="Goods are here",
    success="Goods received. They are to be inspected.",
    failure="Stop: the goods were not received",
    confirm="Is everything scanned that came?",
)
PHOTO = Form(
    "photo",
    title="Add a photo",
    schema=PhotoSchema,
    button="Add photo",
    success="Photo added. It is shown as soon as it is drawn.",
    failure="The photo was not added",
    is_secondary=True,
    file_bytes_max=BYTES_MAX,
)
INSPECT = Form(
    "inspect",
    title="Record the inspection",
    about="With at least one photo. It is not changed afterwards.",
    schema=InspectSchema,
    button="Record inspection",
    success="Inspection recorded.",
    failure="The inspection was not recorded",
    confirm="Record this inspection?",
)
REFUND = Form(
    "refund",
    title="Refund",
    about="The money goes back, and the goods are put into quarantine. A second person approves a"
    " large refund.",
    schema=ReturnReasonSchema,
    button="Refund return",
    success="Refunded. The goods are in quarantine, and the customer has been notified.",
    failure="Nothing was refunded",
    confirm="Refund this return?",
)
EXCHANGE = Form(
    "exchange",
    title="Exchange",
    about="The customer gets as many units of the same products at no charge. The goods are put"
    " into quarantine.",
    schema=ReturnReasonSchema,
    button="Exchange goods",
    success="Exchanged. The other units are to be packed.",
    failure="The goods were not exchanged",
    confirm="Exchange these goods?",
)
SEND_BACK = Form(
    "back",
    title="Send the goods back",
    about="The customer gets the same goods again.",
    schema=CustomerReasonSchema,
    button="Send back",
    success="The goods are to be packed for the customer.",
    failure="The goods were not sent back",
    is_dangerous=True,
    confirm="Send these goods back to the customer?",
)
CANCEL = Form(
    "cancel",
    title="Cancel the return",
    about="For the customer, before the goods come. A label is not valid any more.",
    schema=ReturnReasonSchema,
    button="Cancel return",
    success="Return cancelled. The customer has been notified.",
    failure="The return was not cancelled",
    is_dangerous=True,
    confirm="Cancel this return?",
)
