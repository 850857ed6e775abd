"""The forms for parcels that do not arrive, and for addresses that are wrong."""

from app.blueprints.admin.address_fields import AddressFieldsSchema
from app.blueprints.forms import Form, FormSchema, choice_field, reason_field, text_field
from app.fulfillment.undelivered.settling import Settlement
from app.vault.rules import clean_text


class ParcelSchema(FormSchema):
    """A parcel, and what shows that it does not arrive."""

    parcel = choice_field("Parcel", "Choose the parcel.")
    evidence = text_field(
        "Evidence",
        "Enter what shows it.",
        hint="Such as who handed it in, or the number of the carrier's search",
        check=lambda text: clean_text("evidence", text),
    )


class SettleSchema(FormSchema):
    """What the customer gets in place of undelivered goods."""

    settlement = choice_field(
        "What follows",
        "Choose what follows.",
        tuple((each.value, each.label) for each in Settlement),
    )
    reason = reason_field()


class TakeOverSchema(FormSchema):
    """Why staff send it themselves."""

    reason = reason_field()


class ClaimSchema(FormSchema):
    """What is claimed from the carrier."""

    amount = text_field("Amount", "Enter what is claimed.", hint="In US dollars, like 4000.00")
    reference = text_field(
        "Claim number",
        "Enter the carrier's number of the claim.",
        check=lambda text: clean_text("reference", text),
    )


class ClaimDecisionSchema(FormSchema):
    """What the carrier paid."""

    paid = text_field(
        "Amount paid",
        None,
        hint="What arrived at the bank, in US dollars. Empty if the carrier refused the claim.",
    )


TAKE_BACK = Form(
    "take-back",
    title="A parcel came back",
    about="Its goods become a shipment of its own: scan them there, and then send them again or"
    " give back what they cost.",
    schema=ParcelSchema,
    button="Parcel is here",
    success="Scan what is in the parcel.",
    failure="The parcel was not taken back",
)
DECLARE_LOST = Form(
    "declare-lost",
    title="A parcel is lost or destroyed",
    about="Once the carrier says so. Its goods become a shipment of its own: claim their value, and"
    " replace them or give back what they cost. The other parcels go on.",
    schema=ParcelSchema,
    button="Parcel is lost",
    success="The parcel is lost. Claim its value from the carrier.",
    failure="The parcel was not declared lost",
    is_dangerous=True,
    confirm="Declare this parcel lost? It cannot be undone.",
)
SEND_AGAIN = Form(
    "send-again",
    title="Send again",
    schema=FormSchema,
    button="Send the goods again",
    success="A new shipment of the goods is to be picked.",
    failure="The goods are not sent again",
)
SETTLE = Form(
    "settle",
    title="Settle",
    about="A second person approves it. Goods that are here are for sale again once what they cost"
    " is given back.",
    schema=SettleSchema,
    button="Request settlement",
    failure="The settlement was not requested",
)
FILE_CLAIM = Form(
    "claim",
    title="Claim from the carrier",
    about="File the claim with the carrier, then note it here: its amount is owed to PBCEx in the"
    " books.",
    schema=ClaimSchema,
    button="Claim is filed",
    success="Claim noted.",
    failure="The claim was not noted",
)
DECIDE_CLAIM = Form(
    "claim-decision",
    title="Decision on the claim",
    about="What the carrier does not pay is a loss of the branch.",
    schema=ClaimDecisionSchema,
    button="Claim is decided",
    success="Decision noted.",
    failure="The decision was not noted",
)
READDRESS = Form(
    "readdress",
    title="Correct the address",
    about="The recipient is screened at the new address. Labels of packed parcels are bought again."
    " Parcels on their way keep theirs: tell the carrier.",
    schema=AddressFieldsSchema,
    button="Correct address",
    success="Address corrected.",
    failure="The address was not corrected",
)
TAKE_OVER = Form(
    "take-over",
    title="Take over from the partner",
    about="The partner is asked to cancel it. Once it has, the shipment is picked and sent from its"
    " depot by our own staff; if it goes on, that is a case.",
    schema=TakeOverSchema,
    button="Take over",
    success="The partner is asked to cancel the shipment. This takes some minutes.",
    failure="The shipment was not taken over",
)
FORMS = {
    form.id.replace("-", "_"): form
    for form in (
        TAKE_BACK,
        DECLARE_LOST,
        SEND_AGAIN,
        SETTLE,
        FILE_CLAIM,
        DECIDE_CLAIM,
        READDRESS,
        TAKE_OVER,
    )
}
