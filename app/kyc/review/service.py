"""Decisions by staff: approve, reject, request more information, revoke.

A tier-3 review and a company take two people: one requests the approval, another with the same
permission decides (app.approvals). Members of staff never decide their own verification. While a
sanctions hit is open, only compliance can act: its case is closed first.
"""

from collections.abc import Sequence
from uuid import UUID

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.ports import CurrentPermissions
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.ports import resolve
from app.kyc import rules
from app.kyc.errors import (
    EvidenceMissing,
    OwnVerification,
    ScreeningOpen,
    VerificationDecided,
)
from app.kyc.evidence import documents
from app.kyc.queries import PREFIX, VerificationRow
from app.kyc.review import (
    approval_details,
    automatic_decisions,
    enhanced_due_diligence,
    residence_decisions,
    transitions,
)
from app.kyc.review.transitions import Attribution
from app.kyc.rules import (
    BUSINESS_DOCUMENTS,
    ENHANCED_DOCUMENTS,
    SANCTIONS_FLAGS,
    DocumentPurpose,
    KycRules,
    ReasonCode,
    VerificationKind,
    VerificationStatus,
)
from app.kyc.submission.ports import VerificationOutcome
from app.settings.queries import current

APPROVE = "verification.approve"
#: The statuses of verifications that can be rejected.
DECIDABLE = frozenset({VerificationStatus.IN_REVIEW, VerificationStatus.MORE_NEEDED})


def approve(session: Session, actor: Actor, verification_id: UUID, *, reason: str) -> UUID | None:
    """Approve an identity. For the other kinds, request approval and return the request's id.

    Raises `NotFound`, `PermissionDenied`, `OwnVerification`, `VerificationDecided`,
    `ScreeningOpen`, `ResidenceOpen`, `EvidenceMissing`, `ApprovalPending`, and `Invalid` for the
    reason.
    """
    attribution, verification = _authorize_review(session, actor, verification_id, reason)
    _check_approvable(session, verification)
    if verification.kind is VerificationKind.IDENTITY:
        automatic_decisions.approve_identity(session, verification, attribution)
        return None
    return approvals.request_approval(
        session,
        actor,
        APPROVE,
        {"verification": verification.public_id},
        subject=verification.public_id,
        subject_id=verification.user_id,
        reason=reason,
    )


def reject(
    session: Session, actor: Actor, verification_id: UUID, *, reasons: Sequence[str], reason: str
) -> None:
    """Reject a verification. The customer sees `reasons`; `reason` is an internal note.

    Raises `NotFound`, `PermissionDenied`, `OwnVerification`, `VerificationDecided`,
    `ScreeningOpen`, and `Invalid`.
    """
    attribution, verification = _authorize_review(session, actor, verification_id, reason)
    if verification.status not in DECIDABLE:
        raise VerificationDecided
    _check_screening_closed(verification)
    automatic_decisions.reject_verification(
        session, verification, *_parse_reasons(reasons), attribution=attribution
    )


def request_more_information(
    session: Session, actor: Actor, verification_id: UUID, *, reasons: Sequence[str], reason: str
) -> None:
    """Ask the customer to send or submit something more. Raises as `reject` does."""
    attribution, verification = _authorize_review(session, actor, verification_id, reason)
    if verification.status is not VerificationStatus.IN_REVIEW:
        raise VerificationDecided
    _check_screening_closed(verification)
    transitions.change_status(
        session,
        verification,
        VerificationStatus.MORE_NEEDED,
        reasons=_parse_reasons(reasons),
        attribution=attribution,
    )


def revoke(
    session: Session, actor: Actor, verification_id: UUID, *, reasons: Sequence[str], reason: str
) -> None:
    """Revoke an approval, which only compliance may do. Raises as `reject` does."""
    attribution, verification = _authorize(
        session, actor, verification_id, Permission.KYC_DECIDE, reason
    )
    if verification.status is not VerificationStatus.APPROVED:
        raise VerificationDecided
    if verification.kind is VerificationKind.ENHANCED:
        _lower_identity(session, verification.user_id, attribution)
    automatic_decisions.reject_verification(
        session, verification, *_parse_reasons(reasons), attribution=attribution
    )


def record_id_check(session: Session, actor: Actor, verification_id: UUID, *, reason: str) -> None:
    """Record that the customer showed their document at the counter.

    Raises `NotFound`, `PermissionDenied`, `OwnVerification`, and `Invalid` for the reason.
    """
    attribution, verification = _authorize(
        session, actor, verification_id, Permission.KYC_VERIFY, reason
    )
    transitions.add_remark(session, verification, attribution)


def _authorize_review(
    session: Session, actor: Actor, verification_id: UUID, reason: str
) -> tuple[Attribution, VerificationRow]:
    return _authorize(session, actor, verification_id, Permission.KYC_REVIEW, reason)


def _authorize(
    session: Session, actor: Actor, verification_id: UUID, permission: Permission, reason: str
) -> tuple[Attribution, VerificationRow]:
    """Return the actor with the reason, and the locked verification."""
    note = approvals_rules.clean_reason(reason)
    current_actor = resolve(CurrentPermissions).lock_actor(session, actor.user_id, actor.session_id)
    require(current_actor, permission)
    verification = transitions.lock_verification(session, verification_id)
    if verification.user_id == current_actor.user_id:
        raise OwnVerification
    return Attribution(current_actor, note), verification


def _parse_reasons(texts: Sequence[str]) -> list[ReasonCode]:
    try:
        reasons = [ReasonCode(text) for text in texts]
    except ValueError:
        raise Invalid("customer_message", "Choose reasons from the list.") from None
    if not reasons:
        raise Invalid("customer_message", "Choose at least one reason. The customer sees it.")
    return reasons


def _check_screening_closed(verification: VerificationRow) -> None:
    if verification.flags & SANCTIONS_FLAGS:
        raise ScreeningOpen


def _check_approvable(session: Session, verification: VerificationRow) -> None:
    """Raise unless it is in review and the evidence for its approval is complete."""
    if verification.status is not VerificationStatus.IN_REVIEW:
        raise VerificationDecided
    _check_screening_closed(verification)
    residence_decisions.check_decided(verification)
    if automatic_decisions.current_sanctions_flag(session, verification) is not None:
        raise ScreeningOpen
    accepted = documents.accepted_documents_of(session, verification.user_id)
    purposes_sent = {document.purpose for document in accepted}
    purposes_needed = {
        VerificationKind.IDENTITY: (DocumentPurpose.IDENTITY,),
        VerificationKind.ENHANCED: ENHANCED_DOCUMENTS,
        VerificationKind.BUSINESS: BUSINESS_DOCUMENTS,
    }[verification.kind]
    by_provider = (
        verification.kind is VerificationKind.IDENTITY
        and verification.provider_status == VerificationOutcome.SUCCESS
    )
    missing = [purpose for purpose in purposes_needed if purpose not in purposes_sent]
    if missing and not by_provider:
        raise EvidenceMissing(f"Documents are missing: {', '.join(missing)}.")
    if verification.kind is VerificationKind.ENHANCED:
        _approved_identity(session, verification.user_id)


def _approved_identity(session: Session, user_id: UUID) -> VerificationRow:
    identity = enhanced_due_diligence.approved_identity(
        transitions.lock_verifications_of(session, user_id)
    )
    if identity is None:
        raise EvidenceMissing("The customer's identity is not approved, or has expired.")
    return identity


def _lower_identity(session: Session, user_id: UUID, attribution: Attribution) -> None:
    """Lower the identity to tier 2: address and source of funds no longer count as proven."""
    identity = enhanced_due_diligence.approved_identity(
        transitions.lock_verifications_of(session, user_id)
    )
    if identity is not None and identity.tier > rules.TIER_VERIFIED:
        transitions.lower_tier(session, identity, rules.TIER_VERIFIED, attribution)


# Approval by a second person


def _requested_verification(session: Session, payload: TextFields) -> VerificationRow:
    return transitions.lock_verification(session, ids.decode(PREFIX, payload["verification"]))


def _propose_approval(session: Session, payload: TextFields) -> ProposedChange:
    verification = _requested_verification(session, payload)
    _check_approvable(session, verification)
    documents_sent = documents.accepted_documents_of(session, verification.user_id)
    unchanged = {
        "person": ids.encode("usr", verification.user_id),
        "kind": verification.kind.value,
        "documents": str(len(documents_sent)),
    }
    after = {"status": VerificationStatus.APPROVED.value}
    if verification.kind is VerificationKind.ENHANCED:
        unchanged["tier"] = str(_approved_identity(session, verification.user_id).tier)
        after["tier"] = str(rules.TIER_ENHANCED)
    return ProposedChange(unchanged | {"status": verification.status.value}, unchanged | after)


def _check_approver(session: Session, actor: Actor, payload: TextFields) -> None:
    if _requested_verification(session, payload).user_id == actor.user_id:
        raise OwnVerification


def _approve_requested(session: Session, approved: ApprovedRequest) -> None:
    verification = _requested_verification(session, approved.payload)
    attribution = Attribution(approved.checker, approved.reason)
    expires_at = clock.now() + current(session, KycRules).validity
    if verification.kind is VerificationKind.ENHANCED:
        identity = _approved_identity(session, verification.user_id)
        expires_at = identity.expires_at or expires_at
        transitions.change_status(
            session,
            identity,
            VerificationStatus.APPROVED,
            tier=rules.TIER_ENHANCED,
            attribution=attribution,
        )
    transitions.change_status(
        session,
        verification,
        VerificationStatus.APPROVED,
        flags=(),
        attribution=attribution,
        expires_at=expires_at,
    )


def _name_effect(fields: TextFields) -> str:
    if "tier" in fields:
        return f"give {fields['person']} tier {fields['tier']}"
    return f"verify the company of {fields['person']}"


approvals_registry.register(
    ApprovalAction(
        APPROVE,
        "Approve tier 3 or a company",
        Permission.KYC_REVIEW,
        _propose_approval,
        _check_approver,
        _approve_requested,
        approval_details.describe,
        _name_effect,
        {"kind": label_of(VerificationKind), "status": label_of(VerificationStatus)},
        follows="The customer is notified. Tier 3 has its limits at once; a company gives no tier.",
    )
)
