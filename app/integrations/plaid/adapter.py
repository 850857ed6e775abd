"""Plaid Identity Verification as the identity provider of kyc."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.integrations.plaid.client import PlaidClient
from app.kit import ids
from app.kit.errors import NotFound
from app.kyc.queries import PREFIX
from app.kyc.rules import IdType
from app.kyc.submission.applicant_details import PersonDetails
from app.kyc.submission.ports import ProviderVerification, VerificationOutcome, VerificationRequest
from app.providers.errors import ProviderUnavailable, ResponseUnreadable

_OUTCOMES: Mapping[str, VerificationOutcome] = MappingProxyType(
    {
        "active": VerificationOutcome.ACTIVE,
        "success": VerificationOutcome.SUCCESS,
        "failed": VerificationOutcome.FAILED,
        "expired": VerificationOutcome.UNFINISHED,
        "canceled": VerificationOutcome.UNFINISHED,
        "pending_review": VerificationOutcome.REVIEW,
    }
)
#: ID numbers that Plaid checks, by type and country. Others are not sent.
_ID_NUMBER_TYPES: Mapping[tuple[IdType, str], str] = MappingProxyType(
    {
        (IdType.NATIONAL_ID, "AR"): "ar_dni",
        (IdType.NATIONAL_ID, "BR"): "br_cpf",
        (IdType.NATIONAL_ID, "CA"): "ca_sin",
        (IdType.NATIONAL_ID, "DK"): "dk_cpr",
        (IdType.NATIONAL_ID, "ES"): "es_dni",
        (IdType.NATIONAL_ID, "IT"): "it_cf",
        (IdType.NATIONAL_ID, "MX"): "mx_curp",
        (IdType.NATIONAL_ID, "PL"): "pl_pesel",
        (IdType.NATIONAL_ID, "SE"): "se_pin",
        (IdType.PASSPORT, "AU"): "au_passport",
        (IdType.DRIVERS_LICENSE, "AU"): "au_drivers_license",
        (IdType.DRIVERS_LICENSE, "NZ"): "nz_drivers_license",
    }
)


class PlaidIdentityProvider:
    """Verifies people at Plaid, with the public ID of our verification as the key."""

    name = "plaid"

    def __init__(self, client: PlaidClient) -> None:
        self._client = client

    def create(self, asked: VerificationRequest) -> ProviderVerification:
        """Begin a verification, or return the one begun with this ID."""
        client_user_id = ids.encode(PREFIX, asked.verification_id)
        return _answer(
            self._client.create_verification(client_user_id=client_user_id, user=_user(asked))
        )

    def get(self, reference: str) -> ProviderVerification:
        """Return a verification's current state."""
        return _answer(self._client.get_verification(reference))


class UnconfiguredIdentityProvider:
    """Used where no provider is configured: submissions wait until one is."""

    name = "none"

    def create(self, _asked: VerificationRequest) -> ProviderVerification:
        """Raise `ProviderUnavailable`."""
        raise ProviderUnavailable("No identity provider is configured.")

    def get(self, _reference: str) -> ProviderVerification:
        """Raise `ProviderUnavailable`."""
        raise ProviderUnavailable("No identity provider is configured.")


def _user(request: VerificationRequest) -> dict[str, Any]:
    person, address = request.person, request.person.address
    user: dict[str, Any] = {
        "email_address": request.email,
        "date_of_birth": person.date_of_birth.isoformat(),
        "name": {"given_name": person.first_name, "family_name": person.last_name},
        "address": {
            "street": address.street,
            "street2": address.street2,
            "city": address.city,
            "region": address.state_code or address.state,
            "postal_code": address.zip_code,
            "country": address.country,
        },
    }
    user["address"] = {name: text for name, text in user["address"].items() if text}
    if request.phone:
        user["phone_number"] = request.phone
    if id_number := _id_number(person):
        user["id_number"] = id_number
    return user


def _id_number(person: PersonDetails) -> dict[str, str] | None:
    if person.id_type is None or person.id_number is None:
        return None
    if person.id_type is IdType.SSN:
        return {"type": "us_ssn", "value": person.id_number}
    kind = _ID_NUMBER_TYPES.get((person.id_type, person.address.country))
    return {"type": kind, "value": person.id_number} if kind else None


def _answer(document: Mapping[str, Any]) -> ProviderVerification:
    outcome, reference = _OUTCOMES.get(str(document.get("status"))), document.get("id")
    if outcome is None or not isinstance(reference, str):
        raise ResponseUnreadable("The verification has no ID, or a status that we do not know.")
    try:
        verification_id = ids.decode(PREFIX, str(document.get("client_user_id")))
    except NotFound:
        verification_id = None
    link = document.get("shareable_url")
    return ProviderVerification(
        reference, verification_id, outcome, link if isinstance(link, str) else None
    )
