"""The policies with their versions, and those that must be accepted before money moves. Pure.

The text of a version is in `templates/public/policies/<name>.v<version>.html`. A changed text is a
new version in a new file, so that people can always read the text they agreed to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class PolicyName(StrEnum):
    """The policies that people are asked to consent to."""

    TERMS = "terms"
    """The terms of service."""
    PRIVACY = "privacy"
    """The privacy notice."""
    MARKETING = "marketing"
    """News and offers."""
    STORAGE_SALES = "storage_sales"
    """The sale of metal for storage fees that the dollars do not cover."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `published` has the publication day of each version, oldest first. Money moves only
    for a person who consents to every policy that is `required`."""

    name: PolicyName
    title: str
    published: tuple[date, ...]
    required: bool = True

    @property
    def version(self) -> int:
        """The number of the current version."""
        return len(self.published)

    def name_version(self, version: int) -> str:
        """Return the version as `AcceptedVersions` has it."""
        return f"{self.name}.{version}"


POLICIES: Mapping[PolicyName, Policy] = {
    policy.name: policy
    for policy in (
        Policy(
            PolicyName.TERMS,
            "Terms of service",
            (
                date(2026, 11, 1),
                date(2026, 11, 29),
                date(2026, 11, 29),
                date(2026, 11, 30),
                date(2026, 11, 30),
            ),
        ),
        Policy(PolicyName.PRIVACY, "Privacy notice", (date(2026, 11, 1), date(2026, 11, 29))),
        Policy(PolicyName.MARKETING, "News and offers", (date(2026, 11, 1),), required=False),
        Policy(
            PolicyName.STORAGE_SALES,
            "Storage fees paid in metal",
            (date(2026, 11, 30),),
            required=False,
        ),
    )
}
#: The first version of the terms that states storage fees.
_STORAGE_FEES_SINCE = 5
#: Versions of policies that a person has accepted, each as `name.version`.
AcceptedVersions = frozenset[str]


def missing_consents(accepted: AcceptedVersions, *, any_version: bool = False) -> list[Policy]:
    """Return the required policies whose current version a person has not accepted; `any_version`
    leaves out those of which they accepted an earlier one."""
    return [
        policy
        for policy in POLICIES.values()
        if policy.required
        and not any(
            policy.name_version(version) in accepted
            for version in range(1 if any_version else policy.version, policy.version + 1)
        )
    ]


def terms_with_storage_fees() -> list[str]:
    """Return the versions of the terms that state storage fees, as `AcceptedVersions` has them:
    who accepted none of them pays none."""
    terms = POLICIES[PolicyName.TERMS]
    return [terms.name_version(number) for number in range(_STORAGE_FEES_SINCE, terms.version + 1)]
