"""The verbs and reads of consents: what people agreed to, in which version, when and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.access import Actor
from app.identity import personal as identity_personal
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.privacy import rules
from app.privacy.errors import ConsentRequired, PolicyOutdated
from app.privacy.rules import (
    POLICIES,
    ConsentChannel,
    ConsentDecision,
    ConsentState,
    Policy,
    PolicyName,
)

_ADD = """
INSERT INTO consents (id, user_id, policy, version, given, decided_at, channel)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_DECISIONS = """
SELECT policy, version, given, decided_at, channel FROM consents WHERE user_id = %s ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """How a person stands to a policy, and their latest decision about it."""

    policy: Policy
    state: ConsentState
    latest: ConsentDecision | None

    @property
    def url(self) -> str:
        """Where the current version can be read."""
        return f"/policies/{self.policy.name}/{self.policy.version}"


def list_consents(session: Session, person_id: UUID) -> list[ConsentStatus]:
    """How a person stands to each policy."""
    latest = rules.latest_decisions(list_decisions(session, person_id))
    return [_consent(policy, latest.get(policy.name)) for policy in POLICIES.values()]


def list_decisions(session: Session, person_id: UUID) -> list[ConsentDecision]:
    """Every decision that a person ever made, oldest first."""
    return [
        ConsentDecision(PolicyName(policy), version, given, at, ConsentChannel(channel))
        for policy, version, given, at, channel in session.rows(_DECISIONS, (person_id,))
    ]


def record_decision(
    session: Session, actor: Actor, *, policy: PolicyName, version: int | None, given: bool
) -> ConsentStatus:
    """Agree to the current version of a policy, or take one's consent back. A decision that stands
    already is not written again.

    Raises `Invalid` for a missing version, `PolicyOutdated`, and `ConsentRequired` for taking back
    what an account needs.
    """
    known = POLICIES[policy]
    if given and version is None:
        raise Invalid("version", "Enter the version that was read.")
    if version is not None and version != known.version:
        raise PolicyOutdated(f"The current version is {known.version}")
    if known.required and not given:
        raise ConsentRequired
    identity_personal.lock_person(session, actor.user_id)
    latest = rules.latest_decisions(list_decisions(session, actor.user_id)).get(known.name)
    stands = ConsentState.ACCEPTED if given else ConsentState.WITHDRAWN
    # Nobody takes back what they never gave.
    if rules.consent_state(known, latest) is not stands and (given or latest is not None):
        latest = _insert_decision(
            session, actor.user_id, known, given=given, channel=ConsentChannel.API
        )
    return _consent(known, latest)


def accept_policies_at_registration(
    session: Session, person_id: UUID, accepted: Sequence[tuple[PolicyName, int]]
) -> None:
    """A new person agrees to these versions of policies. Raises `Invalid` for one named twice, and
    `PolicyOutdated`."""
    if len({name for name, _ in accepted}) < len(accepted):
        raise Invalid("acceptedPolicies", "Name each policy once.")
    for name, version in accepted:
        policy = POLICIES[name]
        if version != policy.version:
            raise PolicyOutdated(f"The current version of {name} is {policy.version}")
        _insert_decision(
            session, person_id, policy, given=True, channel=ConsentChannel.REGISTRATION
        )


def _insert_decision(
    session: Session, person_id: UUID, policy: Policy, *, given: bool, channel: ConsentChannel
) -> ConsentDecision:
    now = clock.now()
    values = (ids.new(), person_id, policy.name, policy.version, given, now, channel)
    session.send(_ADD, values)
    return ConsentDecision(policy.name, policy.version, given, now, channel)


def _consent(policy: Policy, latest: ConsentDecision | None) -> ConsentStatus:
    return ConsentStatus(policy, rules.consent_state(policy, latest), latest)
