"""What a decision about a residence does to the verification that it was submitted with."""

from types import MappingProxyType

from app.cases import registry as cases_registry
from app.cases.registry import CaseOutcome
from app.kit import ids
from app.kit.db import Session
from app.kyc.errors import ResidenceOpen
from app.kyc.queries import PREFIX, VerificationRow
from app.kyc.review import automatic_decisions, transitions
from app.kyc.rules import AWAITING_DECISION, ReasonCode, ReviewFlag
from app.kyc.submission import jurisdictions

SERVED, NOT_SERVED = "served", "not_served"


def check_decided(verification: VerificationRow) -> None:
    """Raise `ResidenceOpen` while compliance has not decided about the residence."""
    if ReviewFlag.RESIDENCE in verification.flags:
        raise ResidenceOpen


def _apply_decision(session: Session, outcome: CaseOutcome) -> None:
    verification = transitions.lock_verification(session, ids.decode(PREFIX, outcome.key))
    if ReviewFlag.RESIDENCE not in verification.flags:
        return
    if outcome.disposition == SERVED:
        flags = verification.flags - {ReviewFlag.RESIDENCE}
        automatic_decisions.decide_automatically(
            session, transitions.set_flags(session, verification, flags)
        )
    elif verification.status in AWAITING_DECISION:
        attribution = transitions.Attribution(outcome.actor)
        automatic_decisions.reject_verification(
            session, verification, ReasonCode.CANNOT_SERVE, attribution=attribution
        )


cases_registry.register(
    cases_registry.CaseKind(
        jurisdictions.CASE_KIND,
        "Residence",
        dispositions=MappingProxyType({SERVED: "We serve them", NOT_SERVED: "We do not"}),
        on_closed=_apply_decision,
        consequences=lambda _session, _case_id, _person_id: {
            SERVED: ["The verification continues, unless another flag waits."],
            NOT_SERVED: ["A verification that waits is rejected."],
        },
        reopening="Reopening leaves the verification as it was decided.",
    )
)
