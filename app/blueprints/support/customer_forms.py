"""What support does for a customer: the forms of the customer's page."""

from app.blueprints.forms import Form, FormSchema, choice_field, reason_field, text_field
from app.cases.rules import NOTE_LENGTH_MAX


class NothingSchema(FormSchema):
    """A form of one button."""


class CreditSchema(FormSchema):
    """How much a customer gets, and why."""

    amount = text_field("US dollars", "Enter an amount, like 25.00.")
    reason = reason_field()


class CustomerNoteSchema(FormSchema):
    """A note, and the colleague whom it is to reach."""

    note = text_field(
        "Note", f"Enter a note (1 to {NOTE_LENGTH_MAX} characters).", control="textarea"
    )
    mentioned = choice_field("Mention", None, hint="They get an email.", none="No one")


PASSWORD_LINK = Form(
    "password-link",
    title="New password",
    about="Emails the customer a link with which they choose a new password. It works for an hour.",
    schema=NothingSchema,
    button="Send link",
    success="Link sent to the customer's email address.",
    failure="No link was sent",
    is_secondary=True,
)
CONFIRMATION = Form(
    "confirmation",
    title="Confirm the email address",
    about="Emails the customer another link that confirms their address.",
    schema=NothingSchema,
    button="Send confirmation",
    success="Confirmation sent to the customer's email address.",
    failure="No confirmation was sent",
    is_secondary=True,
)
END_SESSIONS = Form(
    "end-sessions",
    title="End all sessions",
    about="Signs the customer out everywhere, at once. Their API keys stay.",
    schema=NothingSchema,
    button="End sessions",
    success="All sessions of the customer have ended.",
    failure="The sessions were not ended",
    is_dangerous=True,
    confirm="End every session of this customer?",
)
CREDIT = Form(
    "credit",
    title="Credit for goodwill",
    about="The dollars are in the customer's balance at once, and they are notified. A large credit"
    " waits for a second person.",
    schema=CreditSchema,
    button="Credit",
    success="Credited. The customer has been notified.",
    failure="Nothing was credited",
    confirm="Credit this customer?",
)
NOTE = Form(
    "note",
    title="Add a note",
    about="For staff alone. A note stays as it is.",
    schema=CustomerNoteSchema,
    button="Add note",
    success="Note added.",
    failure="The note was not added",
    is_secondary=True,
)
