"""What a sanctions decision does to the verification that was screened."""

from uuid import UUID

from app.cases import service as cases
from app.kit import ids
from app.kit.db import Session
from app.kyc import queries
from app.kyc.review import automatic_decisions, transitions
from app.kyc.rules import AWAITING_DECISION, VerificationStatus
from app.screening.decisions.consequences import DecisionEffect, register_effect


def apply_screening_decision(session: Session, about: str, case_id: UUID | None) -> None:
    """Screen again the verification that a sanctions decision is about, if it is one.

    The history of the case says what became of it.
    """
    verification_id = ids.try_decode(queries.PREFIX, about)
    if verification_id is None:
        return
    before = transitions.lock_verification(session, verification_id)
    automatic_decisions.rescreen_verification(session, verification_id)
    after = transitions.lock_verification(session, verification_id)
    if case_id is not None and after.status is not before.status:
        text = f"Verification, {before.status.label} → {after.status.label}: {about}"
        cases.record_consequence(session, case_id, text)


def _describe_effect(session: Session, verification_id: UUID) -> DecisionEffect:
    verification = queries.by_id(session, verification_id)
    public_id = ids.encode(queries.PREFIX, verification_id)
    match = f"Rejects the verification, and the customer loses its tier: {public_id}"
    if verification.status is VerificationStatus.APPROVED:
        return DecisionEffect(match)
    if verification.status in AWAITING_DECISION:
        no_match = f"Lets the verification continue, unless another hit is undecided: {public_id}"
        return DecisionEffect(match, no_match)
    return DecisionEffect()


register_effect(queries.PREFIX, _describe_effect)
