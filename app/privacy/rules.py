"""Policies with their versions, and the consent state that decisions about them lead to. Pure.

The text of a version is in `templates/public/policies/<name>.v<version>.html`. A changed text is a
new version in a new file, so that people can always read the text they agreed to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.kit.labels import Mark, StatusEnum


class PolicyName(StrEnum):
    """The policies that people are asked to consent to."""

    TERMS = "terms"
    PRIVACY = "privacy"
    MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `published` has the publication day of each version, oldest first. An account
    requires the consent to every policy that is `required`."""

    name: PolicyName
    title: str
    published: tuple[date, ...]
    required: bool = True

    @property
    def version(self) -> int:
        """The number of the current version."""
        return len(self.published)


POLICIES: Mapping[PolicyName, Policy] = {
    policy.name: policy
    for policy in (
        Policy(PolicyName.TERMS, "Terms of service", (date(2026, 11, 1), date(2026, 11, 29))),
        Policy(PolicyName.PRIVACY, "Privacy notice", (date(2026, 11, 1),)),
        Policy(PolicyName.MARKETING, "News and offers", (date(2026, 11, 1),), required=False),
    )
}


class ConsentChannel(StrEnum):
    """Where a decision about a policy was made."""

    REGISTRATION = "registration"
    API = "api"


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
