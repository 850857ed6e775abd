"""What staff decide: approve, reject, ask for more, take back.

A tier-3 review and a company are approved by two: one asks, another with the same right decides
(app.approvals). Nobody decides about themselves, and nobody but compliance about a hit of a
sanctions list: its case is closed first.
"""

from collections.abc import Sequence
from uuid import UUID

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.ports import CurrentPermissions
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
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
from app.kyc.review import decisions, enhanced_due_diligence, transitions
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

APPROVE = "verification.approve"
_DECIDABLE = frozenset({VerificationStatus.IN_REVIEW, VerificationStatus.MORE_NEEDED})


def approve(session: Session, actor: Actor, verification_id: UUID, *, reason: str) -> UUID | None:
    """Approve an identity; ask a second person to approve the others, and answer the request's id.

    Raises `NotFound`, `PermissionDenied`, `OwnVerification`, `VerificationDecided`,
    `ScreeningOpen`, `EvidenceMissing`, `ApprovalPending`, and `Invalid` for the reason.
    """
    said, found = _authorize_review(session, actor, verification_id, reason)
    _check_approvable(session, found)
    if found.kind is VerificationKind.IDENTITY:
        decisions.approve_identity(session, found, said)
        return None
    return approvals.request_approval(
        session,
        actor,
        APPROVE,
        {"verification": found.public_id},
        subject=found.public_id,
        subject_id=found.user_id,
        reason=reason,
    )


def reject(
    session: Session, actor: Actor, verification_id: UUID, *, reasons: Sequence[str], reason: str
) -> None:
    """Say no, and tell the person `reasons`; `reason` is for the house.

    Raises `NotFound`, `PermissionDenied`, `OwnVerification`, `VerificationDecided`,
    `ScreeningOpen`, and `Invalid`.
    """
    said, found = _authorize_review(session, actor, verification_id, reason)
    if found.status not in _DECIDABLE:
        raise VerificationDecided
    _check_screening_closed(found)
    decisions.reject_verification(session, found, *_parse_reasons(reasons), attribution=said)


def request_more_information(
    session: Session, actor: Actor, verification_id: UUID, *, reasons: Sequence[str], reason: str
) -> None:
    """Have the person send or say something more. Raises as `reject` does."""
    said, found = _authorize_review(session, actor, verification_id, reason)
    if found.status is not VerificationStatus.IN_REVIEW:
        raise VerificationDecided
    _check_screening_closed(found)
    transitions.change_status(
        session,
        found,
        VerificationStatus.MORE_NEEDED,
        reasons=_parse_reasons(reasons),
        attribution=said,
    )


def revoke(
    session: Session, actor: Actor, verification_id: UUID, *, reasons: Sequence[str], reason: str
) -> None:
    """Compliance takes back what was approved. Raises as `reject` does."""
    said, found = _authorize(session, actor, verification_id, Permission.KYC_DECIDE, reason)
    if found.status is not VerificationStatus.APPROVED:
        raise VerificationDecided
    if found.kind is VerificationKind.ENHANCED:
        _lower_identity(session, found.user_id, said)
    decisions.reject_verification(session, found, *_parse_reasons(reasons), attribution=said)


def record_id_check(session: Session, actor: Actor, verification_id: UUID, *, reason: str) -> None:
    """Write down that the person stood at the counter with their document. Raises `NotFound`,
    `PermissionDenied`, `OwnVerification`, and `Invalid` for the reason."""
    said, found = _authorize(session, actor, verification_id, Permission.KYC_VERIFY, reason)
    transitions.add_remark(session, found, said)


def _authorize_review(
    session: Session, actor: Actor, verification_id: UUID, reason: str
) -> tuple[Attribution, VerificationRow]:
    return _authorize(session, actor, verification_id, Permission.KYC_REVIEW, reason)


def _authorize(
    session: Session, actor: Actor, verification_id: UUID, permission: Permission, reason: str
) -> tuple[Attribution, VerificationRow]:
    """Who acts and why, and the verification, locked."""
    note = approvals_rules.clean_reason(reason)
    member = resolve(CurrentPermissions).lock_actor(session, actor.user_id, actor.session_id)
    require(member, permission)
    found = transitions.lock_verification(session, verification_id)
    if found.user_id == member.user_id:
        raise OwnVerification
    return Attribution(member, note), found


def _parse_reasons(texts: Sequence[str]) -> list[ReasonCode]:
    try:
        chosen = [ReasonCode(each) for each in texts]
    except ValueError:
        raise Invalid("told", "Choose reasons from the list.") from None
    if not chosen:
        raise Invalid("told", "Choose at least one reason. The customer sees it.")
    return chosen


def _check_screening_closed(found: VerificationRow) -> None:
    if found.flags & SANCTIONS_FLAGS:
        raise ScreeningOpen


def _check_approvable(session: Session, found: VerificationRow) -> None:
    """Raises unless it is in review and there is what it can be approved on."""
    if found.status is not VerificationStatus.IN_REVIEW:
        raise VerificationDecided
    _check_screening_closed(found)
    if decisions.current_sanctions_flag(session, found) is not None:
        raise ScreeningOpen
    there = {each.purpose for each in documents.documents_of(session, found.user_id)}
    needed = {
        VerificationKind.IDENTITY: (DocumentPurpose.IDENTITY,),
        VerificationKind.ENHANCED: ENHANCED_DOCUMENTS,
        VerificationKind.BUSINESS: BUSINESS_DOCUMENTS,
    }[found.kind]
    by_provider = (
        found.kind is VerificationKind.IDENTITY
        and found.provider_status == VerificationOutcome.SUCCESS
    )
    missing = [each for each in needed if each not in there]
    if missing and not by_provider:
        raise EvidenceMissing(f"No document shows: {', '.join(missing)}")
    if found.kind is VerificationKind.ENHANCED:
        _identity_to_lift(session, found.user_id)


def _identity_to_lift(session: Session, user_id: UUID) -> VerificationRow:
    identity = enhanced_due_diligence.approved_identity(
        transitions.lock_verifications_of(session, user_id)
    )
    if identity is None:
        raise EvidenceMissing("The person's identity is not approved, or no longer")
    return identity


def _lower_identity(session: Session, user_id: UUID, said: Attribution) -> None:
    """Back to tier 2: their address and funds are no longer taken as shown."""
    identity = enhanced_due_diligence.approved_identity(
        transitions.lock_verifications_of(session, user_id)
    )
    if identity is not None and identity.tier > rules.TIER_VERIFIED:
        transitions.lower_tier(session, identity, rules.TIER_VERIFIED, said)


# Approved by a second person


def _requested_verification(session: Session, payload: TextFields) -> VerificationRow:
    return transitions.lock_verification(session, ids.decode(PREFIX, payload["verification"]))


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    found = _requested_verification(session, payload)
    _check_approvable(session, found)
    sent = documents.documents_of(session, found.user_id)
    what = {
        "person": ids.encode("usr", found.user_id),
        "kind": found.kind.value,
        "documents": str(len(sent)),
    }
    after = {"status": VerificationStatus.APPROVED.value}
    if found.kind is VerificationKind.ENHANCED:
        what["tier"] = str(_identity_to_lift(session, found.user_id).tier)
        after["tier"] = str(rules.TIER_ENHANCED)
    return ProposedChange(what | {"status": found.status.value}, what | after)


def _check(session: Session, actor: Actor, payload: TextFields) -> None:
    if _requested_verification(session, payload).user_id == actor.user_id:
        raise OwnVerification


def _execute(session: Session, approved: ApprovedRequest) -> None:
    found = _requested_verification(session, approved.payload)
    said = Attribution(approved.checker, approved.reason)
    expires_at = clock.now() + resolve(KycRules).validity
    if found.kind is VerificationKind.ENHANCED:
        identity = _identity_to_lift(session, found.user_id)
        expires_at = identity.expires_at or expires_at
        transitions.change_status(
            session,
            identity,
            VerificationStatus.APPROVED,
            tier=rules.TIER_ENHANCED,
            attribution=said,
        )
    transitions.change_status(
        session,
        found,
        VerificationStatus.APPROVED,
        flags=(),
        attribution=said,
        expires_at=expires_at,
    )


approvals_registry.register(
    ApprovalAction(
        APPROVE,
        "Approve a tier-3 review or a company",
        Permission.KYC_REVIEW,
        _compare,
        _check,
        _execute,
    )
)
