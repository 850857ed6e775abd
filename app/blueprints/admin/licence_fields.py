"""The form that adds a licence to a legal entity or to a branch."""

from collections.abc import Mapping
from typing import Any

from app.blueprints.forms import Form, FormSchema, date_field, text_field
from app.branches.licences.service import NewLicence


class LicenceFieldsSchema(FormSchema):
    """A licence."""

    licence = text_field("Licence", "Enter what it permits.", hint="Like Money transmitter")
    number = text_field("Number", "Enter the number.")
    authority = text_field("Authority", "Enter who issued it.")
    expires_on = date_field("Last day", None, hint="Leave it empty if it does not expire.")


ADD_LICENCE = Form(
    "licence",
    title="Add a licence",
    about="A case is opened 30 days before it expires.",
    schema=LicenceFieldsSchema,
    button="Add licence",
    success="Licence added.",
    failure="The licence was not added",
    is_secondary=True,
)


def read_licence(fields: Mapping[str, Any]) -> NewLicence:
    """Return the licence of the form."""
    return NewLicence(
        fields["licence"], fields["number"], fields["authority"], fields["expires_on"]
    )
