"""Schemas of the addresses to which goods go."""

from typing import Any

import marshmallow as ma

from app.blueprints.api.schemas.fields import ApiSchema, CountryField, TextField
from app.kit import postal_addresses
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress

_LINE_MAX = 100


class DeliveryAddressSchema(ApiSchema):
    """A postal address. Which parts are required depends on the country."""

    country = CountryField(required=True)
    street = TextField(_LINE_MAX, required=True, metadata={"examples": ["1600 Amphitheatre Pkwy"]})
    street2 = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["Suite 5"]})
    district = TextField(_LINE_MAX, allow_none=True, metadata={"examples": [None]})
    city = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["Mountain View"]})
    state = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["CA"]})
    zip_code = TextField(20, allow_none=True, metadata={"examples": ["94043"]})
    recipient = TextField(_LINE_MAX, allow_none=True, metadata={"examples": ["Ada Lovelace"]})
    company = TextField(_LINE_MAX, allow_none=True, metadata={"examples": [None]})
    phone = TextField(32, allow_none=True, metadata={"examples": ["+12025550123"]})


def parse_address(field: str, lines: dict[str, Any] | None) -> PostalAddress | None:
    """Return the address in its country's format. Raises `Invalid` naming its field."""
    if lines is None:
        return None
    try:
        return postal_addresses.normalize(PostalAddress(**lines))
    except Invalid as problem:
        raise Invalid(f"{field}.{problem.field}", problem.message) from None


class AddressOfOrderSchema(ApiSchema):
    """A postal address as it is written in its country."""

    country = ma.fields.String(required=True, metadata={"examples": ["US"]})
    street = ma.fields.String(required=True)
    street2 = ma.fields.String(required=True, allow_none=True)
    district = ma.fields.String(required=True, allow_none=True)
    city = ma.fields.String(required=True, allow_none=True)
    state = ma.fields.String(required=True, allow_none=True)
    zip_code = ma.fields.String(required=True, allow_none=True)
    recipient = ma.fields.String(required=True, allow_none=True)
    company = ma.fields.String(required=True, allow_none=True)
    phone = ma.fields.String(required=True, allow_none=True)
