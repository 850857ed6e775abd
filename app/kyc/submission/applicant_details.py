"""Details of people and companies, as customers submit them: parsing, and JSON for sealing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from app.kit import countries, names, postal_addresses
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress
from app.kyc import rules
from app.kyc.rules import IdType
from app.screening.matching.name_normalization import UNCOMPARABLE_NAME, is_comparable

_LICENCES_MAX = 20
_OWNERS_MAX = 4 + 16


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """A person, as they describe themselves."""

    first_name: str
    last_name: str
    date_of_birth: date
    address: PostalAddress
    id_type: IdType | None = None
    id_number: str | None = None

    def to_json(self) -> str:
        """Return all fields as JSON."""
        return _to_json({**asdict(self), "address": postal_addresses.to_fields(self.address)})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        fields["date_of_birth"] = date.fromisoformat(fields["date_of_birth"])
        fields["address"] = PostalAddress(**fields["address"])
        fields["id_type"] = IdType(fields["id_type"]) if fields["id_type"] else None
        return cls(**fields)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def id_number_ending(self) -> str:
        """Type and last characters of the ID number, as staff see it; empty without one."""
        if self.id_type is None or self.id_number is None:
            return ""
        return f"{self.id_type.label}, ends in {self.id_number[-4:]}"


@dataclass(frozen=True, slots=True)
class OwnerDetails:
    """A person who owns at least a quarter of a company, or who controls it."""

    first_name: str
    last_name: str
    date_of_birth: date
    country: str
    share_bps: int
    controls: bool

    def to_json(self) -> str:
        """Return the personal fields as JSON. Share and control are columns of their own."""
        fields = asdict(self)
        return _to_json(
            {name: fields[name] for name in fields if name not in {"share_bps", "controls"}}
        )

    @classmethod
    def from_json(cls, text: str | bytes, share_bps: int, *, controls: bool) -> Self:
        """Read what `to_json` wrote, and add share and control."""
        fields = json.loads(text)
        fields["date_of_birth"] = date.fromisoformat(fields["date_of_birth"])
        return cls(**fields, share_bps=share_bps, controls=controls)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class LicenceDetails:
    """A company's licence and the authority that issued it."""

    kind: str
    number: str
    authority: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class CompanyDetails:
    """A company, as its representative describes it."""

    legal_name: str
    registration_number: str
    entity_type: str
    address: PostalAddress
    incorporated_on: date | None = None
    tax_id: str | None = None
    licences: tuple[LicenceDetails, ...] = ()
    owners: tuple[OwnerDetails, ...] = ()

    def to_json(self) -> str:
        """Return all fields except the owners as JSON."""
        fields = asdict(self)
        del fields["owners"]
        return _to_json({**fields, "address": postal_addresses.to_fields(self.address)})

    @classmethod
    def from_json(cls, text: str | bytes, owners: Sequence[OwnerDetails]) -> Self:
        """Read what `to_json` wrote, and add the owners."""
        fields = json.loads(text)
        fields["address"] = PostalAddress(**fields["address"])
        fields["incorporated_on"] = _parse_stored_date(fields["incorporated_on"])
        fields["licences"] = tuple(
            LicenceDetails(**{**licence, "expires_on": _parse_stored_date(licence["expires_on"])})
            for licence in fields["licences"]
        )
        return cls(**fields, owners=tuple(owners))


def parse_person(payload: Mapping[str, Any], today: date) -> PersonDetails:
    """Parse a person from a request. Raises `Invalid` naming the field."""
    id_type_text, number = payload.get("id_type"), payload.get("id_number")
    if (id_type_text is None) != (number is None):
        missing, present = (
            ("idType", "idNumber") if id_type_text is None else ("idNumber", "idType")
        )
        raise Invalid(missing, f"Enter {missing} together with {present}.")
    id_type = rules.parse_id_type(id_type_text) if id_type_text is not None else None
    return PersonDetails(
        first_name=_parse_name("firstName", payload["first_name"]),
        last_name=_parse_name("lastName", payload["last_name"]),
        date_of_birth=rules.parse_date_of_birth(payload["date_of_birth"], today),
        address=_parse_address(payload["address"]),
        id_type=id_type,
        id_number=rules.parse_id_number(id_type, str(number)) if id_type else None,
    )


def parse_company(payload: Mapping[str, Any], today: date) -> CompanyDetails:
    """Parse a company from a request. Raises `Invalid` naming the field."""
    if len(payload["licences"]) > _LICENCES_MAX:
        raise Invalid("licences", f"Enter at most {_LICENCES_MAX} licences.")
    return CompanyDetails(
        legal_name=_parse_name("legalName", payload["legal_name"]),
        registration_number=names.clean_name("registrationNumber", payload["registration_number"]),
        entity_type=names.clean_name("entityType", payload["entity_type"]),
        address=_parse_address(payload["address"]),
        incorporated_on=_parse_past_date("incorporatedOn", payload.get("incorporated_on"), today),
        tax_id=names.clean_name("taxId", payload["tax_id"]) if payload.get("tax_id") else None,
        licences=tuple(
            _parse_licence(f"licences.{position}", licence, today)
            for position, licence in enumerate(payload["licences"])
        ),
        owners=_parse_owners(payload["beneficial_owners"], today),
    )


def _parse_owners(payload: Sequence[Mapping[str, Any]], today: date) -> tuple[OwnerDetails, ...]:
    """Parse the owners: at most 100 percent in total, and at least one who controls the company."""
    field = "beneficialOwners"
    if len(payload) > _OWNERS_MAX:
        raise Invalid(field, f"Name at most {_OWNERS_MAX} owners.")
    owners = tuple(
        _parse_owner(f"{field}.{position}", owner, today) for position, owner in enumerate(payload)
    )
    if sum(owner.share_bps for owner in owners) > rules.WHOLE_BPS:
        raise Invalid(field, "Enter shares of at most 100 percent in total.")
    if not any(owner.controls for owner in owners):
        raise Invalid(field, "Name at least one person who controls the company.")
    identities = [(owner.name.casefold(), owner.date_of_birth) for owner in owners]
    if len(set(identities)) < len(identities):
        raise Invalid(field, "Name each person once.")
    return owners


def _parse_owner(path: str, payload: Mapping[str, Any], today: date) -> OwnerDetails:
    try:
        date_of_birth = rules.parse_date_of_birth(payload["date_of_birth"], today)
    except Invalid as invalid:
        raise Invalid(f"{path}.{invalid.field}", invalid.message) from None
    country = countries.parse_country(f"{path}.country", payload["country"])
    share_bps = rules.parse_share_bps(f"{path}.ownershipPercent", payload["ownership_percent"])
    if share_bps < rules.OWNER_BPS_MIN and not payload["controls"]:
        raise Invalid(
            path, "Leave out a person who owns less than 25 percent and does not control."
        )
    return OwnerDetails(
        first_name=_parse_name(f"{path}.firstName", payload["first_name"]),
        last_name=_parse_name(f"{path}.lastName", payload["last_name"]),
        date_of_birth=date_of_birth,
        country=country,
        share_bps=share_bps,
        controls=payload["controls"],
    )


def _parse_licence(path: str, payload: Mapping[str, Any], today: date) -> LicenceDetails:
    expiry_text = payload.get("expires_on")
    expiry_date = rules.parse_date(f"{path}.expiresOn", expiry_text) if expiry_text else None
    if expiry_date is not None and expiry_date < today:
        raise Invalid(f"{path}.expiresOn", "Enter a licence that has not expired.")
    return LicenceDetails(
        kind=names.clean_name(f"{path}.kind", payload["kind"]),
        number=names.clean_name(f"{path}.number", payload["number"]),
        authority=names.clean_name(f"{path}.authority", payload["authority"]),
        expires_on=expiry_date,
    )


def _parse_name(field: str, text: str) -> str:
    """Parse a name that can be compared with the sanctions list."""
    name = names.clean_name(field, text)
    if not is_comparable(name):
        raise Invalid(field, UNCOMPARABLE_NAME)
    return name


def _parse_past_date(field: str, text: str | None, today: date) -> date | None:
    if text is None:
        return None
    day = rules.parse_date(field, text)
    if day > today:
        raise Invalid(field, "Enter a date that is not in the future.")
    return day


def _parse_address(payload: Mapping[str, Any]) -> PostalAddress:
    try:
        return postal_addresses.normalize(PostalAddress(**payload))
    except Invalid as invalid:
        raise Invalid(f"address.{invalid.field}", invalid.message) from None


def _parse_stored_date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _to_json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=date.isoformat)
