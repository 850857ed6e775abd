"""The port of a provider that verifies identities."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.kyc.submission.applicant_details import PersonDetails
from app.providers.ports import ProviderFact


class VerificationOutcome(StrEnum):
    """A provider's result for a person."""

    ACTIVE = "active"
    """The customer has not finished yet."""
    SUCCESS = "success"
    """The identity is verified."""
    FAILED = "failed"
    """The identity is not verified."""
    UNFINISHED = "unfinished"
    """The customer canceled it, or it timed out."""
    REVIEW = "review"
    """The provider leaves the decision to us."""


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """The person to verify, under our id: the same id again is the same verification."""

    verification_id: UUID
    email: str
    phone: str | None
    person: PersonDetails


@dataclass(frozen=True, slots=True)
class ProviderVerification:
    """A verification at the provider: its reference there, our id, the outcome and a link.

    `link` is where the person continues. `verification_id` is None for a verification that we did
    not create.
    """

    reference: str
    verification_id: UUID | None
    outcome: VerificationOutcome
    link: str | None = None


class IdentityProvider(Protocol):
    """A provider that verifies identities.

    Raises the errors of app.providers. After an error, calling again with the same id is safe: it
    starts nothing new.
    """

    @property
    def name(self) -> str:
        """The provider's name in our records."""
        ...

    def create(self, request: VerificationRequest) -> ProviderVerification:
        """Start a verification, or return the one that was started with this id."""
        ...

    def get(self, reference: str) -> ProviderVerification:
        """Return the current state of a verification."""
        ...


@dataclass(frozen=True, slots=True)
class VerificationChanged(ProviderFact):
    """A verification changed; the event's subject is the provider's id of it."""
