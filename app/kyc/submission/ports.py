"""What kyc needs from a provider that verifies people."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.kyc.submission.applicant_details import PersonDetails


class VerificationOutcome(StrEnum):
    """What a provider says about a person."""

    ACTIVE = "active"
    """The person has not done everything yet."""
    SUCCESS = "success"
    """It is them."""
    FAILED = "failed"
    """It is not them, or that cannot be told."""
    UNFINISHED = "unfinished"
    """The person left it, or its time was over."""
    REVIEW = "review"
    """The provider leaves it to us."""


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """Whom to verify, under our own id: the same id again is the same verification."""

    verification_id: UUID
    email: str
    phone: str | None
    person: PersonDetails


@dataclass(frozen=True, slots=True)
class ProviderVerification:
    """A verification at the provider's: its name there and ours, what came of it, and where the
    person goes on. `verification_id` is None for one that is none of ours."""

    reference: str
    verification_id: UUID | None
    outcome: VerificationOutcome
    link: str | None = None


class IdentityProvider(Protocol):
    """Somebody who verifies people.

    Raises the errors of app.providers: whether anything happened there is known to whoever asks
    again, because asking again with the same id begins nothing new.
    """

    @property
    def name(self) -> str:
        """What the provider is called in our records."""
        ...

    def create(self, request: VerificationRequest) -> ProviderVerification:
        """Begin a verification, or answer the one that this id has begun."""
        ...

    def get(self, reference: str) -> ProviderVerification:
        """How a verification stands."""
        ...
