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
from app.screening.matching.names import UNCOMPARABLE, is_readable

_LICENCES_MAX = 20
_OWNERS_MAX = 4 + 16


@dataclass(frozen=True, slots=True)
class Personal:
    """A person, as they say."""

    first_name: str
    last_name: str
    date_of_birth: date
    address: PostalAddress
    id_type: IdType | None = None
    id_number: str | None = None

    def sealed_text(self) -> str:
        """All of it, as JSON."""
        return _written({**asdict(self), "address": postal_addresses.to_fields(self.address)})

    @classmethod
    def read(cls, text: str | bytes) -> Self:
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
class Owner:
    """Somebody who owns a quarter or more of a company, or who controls it."""

    first_name: str
    last_name: str
    date_of_birth: date
    country: str
    share_bps: int
    controls: bool

    def sealed_text(self) -> str:
        """Who it is, as JSON: share and control stand beside it."""
        told = asdict(self)
        return _written(
            {name: told[name] for name in told if name not in {"share_bps", "controls"}}
        )

    @classmethod
    def read(cls, text: str | bytes, share_bps: int, *, controls: bool) -> Self:
        """What `sealed_text` wrote."""
        told = json.loads(text)
        told["date_of_birth"] = date.fromisoformat(told["date_of_birth"])
        return cls(**told, share_bps=share_bps, controls=controls)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class Licence:
    """What a company may do, and by whose leave."""

    kind: str
    number: str
    authority: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Business:
    """A company, as one who acts for it says."""

    legal_name: str
    registration_number: str
    entity_type: str
    address: PostalAddress
    incorporated_on: date | None = None
    tax_id: str | None = None
    licences: tuple[Licence, ...] = ()
    owners: tuple[Owner, ...] = ()

    def sealed_text(self) -> str:
        """All of it but the owners, as JSON."""
        told = asdict(self)
        del told["owners"]
        return _written({**told, "address": postal_addresses.to_fields(self.address)})

    @classmethod
    def read(cls, text: str | bytes, owners: Sequence[Owner]) -> Self:
        """What `sealed_text` wrote, and the owners that stand beside it."""
        told = json.loads(text)
        told["address"] = PostalAddress(**told["address"])
        told["incorporated_on"] = _day(told["incorporated_on"])
        told["licences"] = tuple(
            Licence(**{**each, "expires_on": _day(each["expires_on"])}) for each in told["licences"]
        )
        return cls(**told, owners=tuple(owners))


def personal(told: Mapping[str, Any], today: date) -> Personal:
    """What a request says of a person, checked. Raises `Invalid` naming the field."""
    kind, number = told.get("id_type"), told.get("id_number")
    if (kind is None) != (number is None):
        missing, given = ("idType", "idNumber") if kind is None else ("idNumber", "idType")
        raise Invalid(missing, f"Enter {missing} together with {given}.")
    id_type = rules.id_type(kind) if kind is not None else None
    return Personal(
        first_name=_name("firstName", told["first_name"]),
        last_name=_name("lastName", told["last_name"]),
        date_of_birth=rules.date_of_birth(told["date_of_birth"], today),
        address=_address(told["address"]),
        id_type=id_type,
        id_number=rules.id_number(id_type, str(number)) if id_type else None,
    )


def business(told: Mapping[str, Any], today: date) -> Business:
    """What a request says of a company, checked. Raises `Invalid` naming the field."""
    if len(told["licences"]) > _LICENCES_MAX:
        raise Invalid("licences", f"Send at most {_LICENCES_MAX} licences.")
    return Business(
        legal_name=_name("legalName", told["legal_name"]),
        registration_number=account_rules.clean_name(
            "registrationNumber", told["registration_number"]
        ),
        entity_type=account_rules.clean_name("entityType", told["entity_type"]),
        address=_address(told["address"]),
        incorporated_on=_past_day("incorporatedOn", told.get("incorporated_on"), today),
        tax_id=account_rules.clean_name("taxId", told["tax_id"]) if told.get("tax_id") else None,
        licences=tuple(
            _licence(f"licences.{place}", each, today)
            for place, each in enumerate(told["licences"])
        ),
        owners=_owners(told["beneficial_owners"], today),
    )


def _owners(told: Sequence[Mapping[str, Any]], today: date) -> tuple[Owner, ...]:
    """Everybody who owns a quarter or controls: a whole at most, and one who controls at least."""
    field = "beneficialOwners"
    if len(told) > _OWNERS_MAX:
        raise Invalid(field, f"Name at most {_OWNERS_MAX} owners.")
    owners = tuple(_owner(f"{field}.{place}", each, today) for place, each in enumerate(told))
    if sum(each.share_bps for each in owners) > rules.WHOLE_BPS:
        raise Invalid(field, "Enter shares of at most 100 percent in total.")
    if not any(each.controls for each in owners):
        raise Invalid(field, "Name at least one person who controls the company.")
    people_named = [(each.name.casefold(), each.date_of_birth) for each in owners]
    if len(set(people_named)) < len(people_named):
        raise Invalid(field, "Name each person once.")
    return owners


def _owner(at: str, told: Mapping[str, Any], today: date) -> Owner:
    try:
        born = rules.date_of_birth(told["date_of_birth"], today)
    except Invalid as invalid:
        raise Invalid(f"{at}.{invalid.field}", invalid.message) from None
    country = told["country"].upper()
    if not (country.isascii() and country.isalpha()):
        raise Invalid(f"{at}.country", "Enter a country code of two letters, like US.")
    share_bps = rules.share_bps(f"{at}.ownershipPercent", told["ownership_percent"])
    if share_bps < rules.OWNER_BPS_MIN and not told["controls"]:
        raise Invalid(at, "Leave out a person who owns less than 25 percent and does not control.")
    return Owner(
        first_name=_name(f"{at}.firstName", told["first_name"]),
        last_name=_name(f"{at}.lastName", told["last_name"]),
        date_of_birth=born,
        country=country,
        share_bps=share_bps,
        controls=told["controls"],
    )


def _licence(at: str, told: Mapping[str, Any], today: date) -> Licence:
    expires_on = told.get("expires_on")
    until = rules.day(f"{at}.expiresOn", expires_on) if expires_on else None
    if until is not None and until < today:
        raise Invalid(f"{at}.expiresOn", "Enter a licence that has not expired.")
    return Licence(
        kind=account_rules.clean_name(f"{at}.kind", told["kind"]),
        number=account_rules.clean_name(f"{at}.number", told["number"]),
        authority=account_rules.clean_name(f"{at}.authority", told["authority"]),
        expires_on=until,
    )


def _name(field: str, text: str) -> str:
    """A name that can be compared with those of the lists."""
    name = account_rules.clean_name(field, text)
    if not is_readable(name):
        raise Invalid(field, UNCOMPARABLE)
    return name


def _past_day(field: str, text: str | None, today: date) -> date | None:
    if text is None:
        return None
    day = rules.day(field, text)
    if day > today:
        raise Invalid(field, "Enter a date that is not in the future.")
    return day


def _address(told: Mapping[str, Any]) -> PostalAddress:
    try:
        return postal_addresses.normalize(PostalAddress(**told))
    except Invalid as invalid:
        raise Invalid(f"address.{invalid.field}", invalid.message) from None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _written(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=date.isoformat)
