"""What people say about themselves and their companies: checked, and as it is sealed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from app.identity.accounts import postal_addresses
from app.identity.accounts import rules as account_rules
from app.identity.accounts.postal_addresses import PostalAddress
from app.kit.errors import Invalid
from app.kyc import rules
from app.kyc.rules import IdType
from app.screening.matching.names import UNCOMPARABLE_NAME, is_comparable

_LICENCES_MAX = 20
_OWNERS_MAX = 4 + 16


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """A person, as they say."""

    first_name: str
    last_name: str
    date_of_birth: date
    address: PostalAddress
    id_type: IdType | None = None
    id_number: str | None = None

    def to_json(self) -> str:
        """All of it, as JSON."""
        return _to_json({**asdict(self), "address": postal_addresses.to_fields(self.address)})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """What `sealed_text` wrote."""
        told = json.loads(text)
        told["date_of_birth"] = date.fromisoformat(told["date_of_birth"])
        told["address"] = PostalAddress(**told["address"])
        told["id_type"] = IdType(told["id_type"]) if told["id_type"] else None
        return cls(**told)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class OwnerDetails:
    """Somebody who owns a quarter or more of a company, or who controls it."""

    first_name: str
    last_name: str
    date_of_birth: date
    country: str
    share_bps: int
    controls: bool

    def to_json(self) -> str:
        """Who it is, as JSON: share and control stand beside it."""
        told = asdict(self)
        return _to_json(
            {name: told[name] for name in told if name not in {"share_bps", "controls"}}
        )

    @classmethod
    def from_json(cls, text: str | bytes, share_bps: int, *, controls: bool) -> Self:
        """What `sealed_text` wrote."""
        told = json.loads(text)
        told["date_of_birth"] = date.fromisoformat(told["date_of_birth"])
        return cls(**told, share_bps=share_bps, controls=controls)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class LicenceDetails:
    """What a company may do, and by whose leave."""

    kind: str
    number: str
    authority: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class CompanyDetails:
    """A company, as one who acts for it says."""

    legal_name: str
    registration_number: str
    entity_type: str
    address: PostalAddress
    incorporated_on: date | None = None
    tax_id: str | None = None
    licences: tuple[LicenceDetails, ...] = ()
    owners: tuple[OwnerDetails, ...] = ()

    def to_json(self) -> str:
        """All of it but the owners, as JSON."""
        told = asdict(self)
        del told["owners"]
        return _to_json({**told, "address": postal_addresses.to_fields(self.address)})

    @classmethod
    def from_json(cls, text: str | bytes, owners: Sequence[OwnerDetails]) -> Self:
        """What `sealed_text` wrote, and the owners that stand beside it."""
        told = json.loads(text)
        told["address"] = PostalAddress(**told["address"])
        told["incorporated_on"] = _parse_stored_date(told["incorporated_on"])
        told["licences"] = tuple(
            LicenceDetails(**{**each, "expires_on": _parse_stored_date(each["expires_on"])})
            for each in told["licences"]
        )
        return cls(**told, owners=tuple(owners))


def parse_person(payload: Mapping[str, Any], today: date) -> PersonDetails:
    """What a request says of a person, checked. Raises `Invalid` naming the field."""
    kind, number = payload.get("id_type"), payload.get("id_number")
    if (kind is None) != (number is None):
        missing, given = ("idType", "idNumber") if kind is None else ("idNumber", "idType")
        raise Invalid(missing, f"Enter {missing} together with {given}.")
    id_type = rules.parse_id_type(kind) if kind is not None else None
    return PersonDetails(
        first_name=_parse_name("firstName", payload["first_name"]),
        last_name=_parse_name("lastName", payload["last_name"]),
        date_of_birth=rules.parse_date_of_birth(payload["date_of_birth"], today),
        address=_parse_address(payload["address"]),
        id_type=id_type,
        id_number=rules.parse_id_number(id_type, str(number)) if id_type else None,
    )


def parse_company(payload: Mapping[str, Any], today: date) -> CompanyDetails:
    """What a request says of a company, checked. Raises `Invalid` naming the field."""
    if len(payload["licences"]) > _LICENCES_MAX:
        raise Invalid("licences", f"Send at most {_LICENCES_MAX} licences.")
    return CompanyDetails(
        legal_name=_parse_name("legalName", payload["legal_name"]),
        registration_number=account_rules.clean_name(
            "registrationNumber", payload["registration_number"]
        ),
        entity_type=account_rules.clean_name("entityType", payload["entity_type"]),
        address=_parse_address(payload["address"]),
        incorporated_on=_parse_past_date("incorporatedOn", payload.get("incorporated_on"), today),
        tax_id=account_rules.clean_name("taxId", payload["tax_id"])
        if payload.get("tax_id")
        else None,
        licences=tuple(
            _parse_licence(f"licences.{place}", each, today)
            for place, each in enumerate(payload["licences"])
        ),
        owners=_parse_owners(payload["beneficial_owners"], today),
    )


def _parse_owners(payload: Sequence[Mapping[str, Any]], today: date) -> tuple[OwnerDetails, ...]:
    """Everybody who owns a quarter or controls: a whole at most, and one who controls at least."""
    field = "beneficialOwners"
    if len(payload) > _OWNERS_MAX:
        raise Invalid(field, f"Name at most {_OWNERS_MAX} owners.")
    owners = tuple(
        _parse_owner(f"{field}.{place}", each, today) for place, each in enumerate(payload)
    )
    if sum(each.share_bps for each in owners) > rules.WHOLE_BPS:
        raise Invalid(field, "Enter shares of at most 100 percent in total.")
    if not any(each.controls for each in owners):
        raise Invalid(field, "Name at least one person who controls the company.")
    people_named = [(each.name.casefold(), each.date_of_birth) for each in owners]
    if len(set(people_named)) < len(people_named):
        raise Invalid(field, "Name each person once.")
    return owners


def _parse_owner(path: str, payload: Mapping[str, Any], today: date) -> OwnerDetails:
    try:
        born = rules.parse_date_of_birth(payload["date_of_birth"], today)
    except Invalid as invalid:
        raise Invalid(f"{path}.{invalid.field}", invalid.message) from None
    country = payload["country"].upper()
    if not (country.isascii() and country.isalpha()):
        raise Invalid(f"{path}.country", "Enter a country code of two letters, like US.")
    share_bps = rules.parse_share_bps(f"{path}.ownershipPercent", payload["ownership_percent"])
    if share_bps < rules.OWNER_BPS_MIN and not payload["controls"]:
        raise Invalid(
            path, "Leave out a person who owns less than 25 percent and does not control."
        )
    return OwnerDetails(
        first_name=_parse_name(f"{path}.firstName", payload["first_name"]),
        last_name=_parse_name(f"{path}.lastName", payload["last_name"]),
        date_of_birth=born,
        country=country,
        share_bps=share_bps,
        controls=payload["controls"],
    )


def _parse_licence(path: str, payload: Mapping[str, Any], today: date) -> LicenceDetails:
    expires_on = payload.get("expires_on")
    until = rules.parse_date(f"{path}.expiresOn", expires_on) if expires_on else None
    if until is not None and until < today:
        raise Invalid(f"{path}.expiresOn", "Enter a licence that has not expired.")
    return LicenceDetails(
        kind=account_rules.clean_name(f"{path}.kind", payload["kind"]),
        number=account_rules.clean_name(f"{path}.number", payload["number"]),
        authority=account_rules.clean_name(f"{path}.authority", payload["authority"]),
        expires_on=until,
    )


def _parse_name(field: str, text: str) -> str:
    """A name that can be compared with those of the lists."""
    name = account_rules.clean_name(field, text)
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
