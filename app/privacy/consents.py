"""Record and read consents: which version of a policy a person agreed to, when and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.access import Actor
from app.access.consents import POLICIES, Policy, PolicyName
from app.identity import personal as identity_personal
from app.identity.accounts import profile
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.privacy import rules
from app.privacy.errors import ConsentRequired, PolicyOutdated
from app.privacy.rules import ConsentChannel, ConsentDecision, ConsentState

_ADD = """
INSERT INTO consents (id, user_id, policy, version, given, decided_at, channel)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_DECISIONS = """
SELECT policy, version, given, decided_at, channel FROM consents WHERE user_id = %s ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """The state of a person's consent to one policy, with their latest decision about it."""

    policy: Policy
    state: ConsentState
    latest: ConsentDecision | None

    @property
    def url(self) -> str:
        """The path of the page with the current version."""
        return f"/policies/{self.policy.name}/{self.policy.version}"


def list_consents(session: Session, person_id: UUID) -> list[ConsentStatus]:
    """Return the state of a person's consent to each policy."""
    latest = rules.latest_decisions(list_decisions(session, person_id))
    return [_consent_status(policy, latest.get(policy.name)) for policy in POLICIES.values()]


def list_decisions(session: Session, person_id: UUID) -> list[ConsentDecision]:
    """Return every decision of a person, oldest first."""
    return [
        ConsentDecision(PolicyName(policy), version, given, at, ConsentChannel(channel))
        for policy, version, given, at, channel in session.rows(_DECISIONS, (person_id,))
    ]


class RecordedSaleConsents:
    """The consents to the sale of metal for storage fees, as people decided last."""

    def agreed(self, session: Session, user_id: UUID) -> bool:
        """Return whether the person consents to it now."""
        policy = POLICIES[PolicyName.STORAGE_SALES]
        latest = rules.latest_decisions(list_decisions(session, user_id)).get(policy.name)
        return rules.consent_state(policy, latest) is ConsentState.ACCEPTED


def record_decision(
    session: Session, actor: Actor, *, policy: PolicyName, version: int | None, given: bool
) -> ConsentStatus:
    """Record that the actor consents to the current version of a policy, or withdraws the consent.

    A decision that changes nothing is not written again. Raises `Invalid` for a missing version,
    `PolicyOutdated` for another version than the current one, and `ConsentRequired` for withdrawing
    the consent to a required policy.
    """
    current = POLICIES[policy]
    if given and version is None:
        raise Invalid("version", "Enter the version of the policy that was read.")
    if version is not None and version != current.version:
        raise PolicyOutdated(f"The current version is {current.version}.")
    if current.required and not given:
        raise ConsentRequired
    identity_personal.lock_person(session, actor.user_id)
    latest = rules.latest_decisions(list_decisions(session, actor.user_id)).get(current.name)
    wanted = ConsentState.ACCEPTED if given else ConsentState.WITHDRAWN
    # A consent that was never given cannot be withdrawn.
    if rules.consent_state(current, latest) is not wanted and (given or latest is not None):
        latest = _insert_decision(
            session, actor.user_id, current, given=given, channel=ConsentChannel.API
        )
    return _consent_status(current, latest)


def accept_policies_at_registration(
    session: Session, person_id: UUID, accepted: Sequence[tuple[PolicyName, int]]
) -> None:
    """Record that a new person consents to these versions of policies.

    Raises `Invalid` for a policy that is named twice, and `PolicyOutdated`.
    """
    if len({name for name, _ in accepted}) < len(accepted):
        raise Invalid("acceptedPolicies", "Name each policy once.")
    for name, version in accepted:
        policy = POLICIES[name]
        if version != policy.version:
            raise PolicyOutdated(f"The current version of {name} is {policy.version}.")
        _insert_decision(
            session, person_id, policy, given=True, channel=ConsentChannel.REGISTRATION
        )


def accept_required_policies(session: Session, person_id: UUID) -> None:
    """Record that a person of the sample consents to every required policy, as at registration."""
    for consent in list_consents(session, person_id):
        if consent.policy.required and consent.state is not ConsentState.ACCEPTED:
            _insert_decision(
                session, person_id, consent.policy, given=True, channel=ConsentChannel.REGISTRATION
            )


def _insert_decision(
    session: Session, person_id: UUID, policy: Policy, *, given: bool, channel: ConsentChannel
) -> ConsentDecision:
    now = clock.now()
    values = (ids.new(), person_id, policy.name, policy.version, given, now, channel)
    session.send(_ADD, values)
    if policy.required and given:
        profile.add_accepted_policy(session, person_id, policy.name_version(policy.version))
    return ConsentDecision(policy.name, policy.version, given, now, channel)


def _consent_status(policy: Policy, latest: ConsentDecision | None) -> ConsentStatus:
    return ConsentStatus(policy, rules.consent_state(policy, latest), latest)
