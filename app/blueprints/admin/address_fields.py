"""The fields of a postal address in a form."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.blueprints.forms import FormSchema, text_field
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress

#: In the order in which forms show them.
ADDRESS_FIELDS = ("street", "street2", "district", "city", "state", "zip_code", "country")


class AddressFieldsSchema(FormSchema):
    """A postal address. What is required depends on the country; the act says it."""

    street = text_field("Street", "Enter the street and number.")
    street2 = text_field("Floor or suite", None)
    district = text_field("District, where addresses have one", None)
    city = text_field("City", None)
    state = text_field("State or province", None)
    zip_code = text_field("Postal code", None)
    country = text_field("Country", "Enter a country.", hint="Two letters, like US")


def read_address(fields: Mapping[str, Any]) -> PostalAddress:
    """Return the address of a form, as it was typed."""
    values: dict[str, Any] = {name: fields[name] or None for name in ADDRESS_FIELDS}
    return PostalAddress(**values)


def write_address(address: PostalAddress | None) -> dict[str, str]:
    """Return what the fields hold at first."""
    return {name: (address and getattr(address, name)) or "" for name in ADDRESS_FIELDS}


@contextmanager
def naming_fields() -> Iterator[None]:
    """Name the field of the form in a refusal, which the API names otherwise."""
    try:
        yield
    except Invalid as refusal:
        if refusal.field != "zipCode":
            raise
        raise Invalid("zip_code", refusal.message) from None
