"""The policies with their versions, what a decision about them means, and how long the law keeps
what is left of somebody. Pure.

The text of a version stands in `templates/public/policies/<name>.v<version>.html`. A changed text
is a new version and a new file: what somebody agreed to can always be read again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class PolicyName(StrEnum):
    """What people are asked to agree to."""

    TERMS = "terms"
    PRIVACY = "privacy"
    MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Policy:
    """Something that people agree to. `published` has the day of each version, the first one
    first. Without a required one there is no account."""

    name: PolicyName
    title: str
    published: tuple[date, ...]
    required: bool = True

    @property
    def version(self) -> int:
        """The current one."""
        return len(self.published)


POLICIES: Mapping[PolicyName, Policy] = {
    policy.name: policy
    for policy in (
        Policy(PolicyName.TERMS, "Terms of service", (date(2026, 11, 1),)),
        Policy(PolicyName.PRIVACY, "Privacy notice", (date(2026, 11, 1),)),
        Policy(PolicyName.MARKETING, "News and offers", (date(2026, 11, 1),), required=False),
    )
}


class ConsentChannel(StrEnum):
    """Where a decision was made."""

    REGISTRATION = "registration"
    API = "api"


class ConsentState(StrEnum):
    """How a person stands to a policy."""

    ACCEPTED = "accepted"
    """They agreed to the current version."""
    TO_BE_ACCEPTED = "to_be_accepted"
    """It is required, and they have not agreed to the current version yet."""
    WITHDRAWN = "withdrawn"
    """They took their consent back."""
    NOT_GIVEN = "not_given"
    """They did not agree to the current version, and need not."""


class ExportStatus(StrEnum):
    """How far a copy is that somebody asked for."""

    PENDING = "pending"
    """It is being made."""
    READY = "ready"
    """It can be fetched."""
    EXPIRED = "expired"
    """Its time is over, or a newer one took its place."""
    CANCELLED = "cancelled"
    """It could not be made."""


@dataclass(frozen=True, slots=True)
class ConsentDecision:
    """What a person decided about a version of a policy, and where."""

    policy: PolicyName
    version: int
    given: bool
    decided_at: datetime
    channel: ConsentChannel


def consent_state(policy: Policy, latest: ConsentDecision | None) -> ConsentState:
    """How somebody stands to the policy whose latest decision about it is this one."""
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
    """The last decision about each policy; they come oldest first."""
    return {decision.policy: decision for decision in decisions}


def find_policy_version(name: str, version: str) -> tuple[Policy, int] | None:
    """The policy of that name and the number of that version; None if there is none such."""
    policy = next((each for each in POLICIES.values() if each.name == name), None)
    if policy is None:
        return None
    number = next((n for n in range(1, policy.version + 1) if str(n) == version), None)
    return None if number is None else (policy, number)
