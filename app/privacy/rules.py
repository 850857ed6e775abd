"""The state of a consent after decisions about a policy; the status of a data export. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.access.consents import POLICIES, Policy, PolicyName
from app.kit.labels import Mark, StatusEnum


class ConsentChannel(StrEnum):
    """Where a decision about a policy was made."""

    REGISTRATION = "registration"
    """With the registration."""
    API = "api"
    """By a request to the API."""


class ConsentState(StatusEnum):
    """The state of a person's consent to a policy."""

    ACCEPTED = "accepted", "Accepted", Mark.DONE
    """The person consented to the current version."""
    TO_BE_ACCEPTED = "to_be_accepted", "Not accepted yet", Mark.WAITING
    """The policy is required, and the person has not consented to the current version yet."""
    WITHDRAWN = "withdrawn", "Withdrawn", Mark.ENDED
    """The person withdrew the consent to an optional policy."""
    NOT_GIVEN = "not_given", "Not given", Mark.ENDED
    """The policy is optional, and the person has not consented to the current version."""


class ExportStatus(StatusEnum):
    """The status of a data export."""

    PENDING = "pending", "Being prepared", Mark.UNDERWAY
    """The archive is being built."""
    READY = "ready", "Ready", Mark.DONE
    """The archive can be fetched."""
    EXPIRED = "expired", "Expired", Mark.ENDED
    """The archive is deleted: its time is over, or a newer one replaced it."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """The archive could not be built."""


@dataclass(frozen=True, slots=True)
class ConsentDecision:
    """A person's decision about one version of a policy."""

    policy: PolicyName
    version: int
    given: bool
    decided_at: datetime
    channel: ConsentChannel


def consent_state(policy: Policy, latest: ConsentDecision | None) -> ConsentState:
    """Return the consent state that a person's latest decision about the policy leads to."""
    if latest is not None and latest.given and latest.version == policy.version:
        return ConsentState.ACCEPTED
    if policy.required:
        return ConsentState.TO_BE_ACCEPTED
    return (
        ConsentState.WITHDRAWN
        if latest is not None and not latest.given
        else ConsentState.NOT_GIVEN
    )


def latest_decisions(decisions: Sequence[ConsentDecision]) -> dict[PolicyName, ConsentDecision]:
    """Return the latest decision about each policy; `decisions` are ordered oldest first."""
    return {decision.policy: decision for decision in decisions}


def find_policy_version(name: str, version: str) -> tuple[Policy, int] | None:
    """Return the policy of that name and the number of that version; None if either is unknown."""
    policy = next((policy for policy in POLICIES.values() if policy.name == name), None)
    if policy is None:
        return None
    number = next((n for n in range(1, policy.version + 1) if str(n) == version), None)
    return None if number is None else (policy, number)
