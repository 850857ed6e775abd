"""The verbs of exemption certificates: record one, verify it with a second person, revoke it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, Role, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import people
from app.identity.accounts.rules import AccountStatus
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_date
from app.settings import queries as settings_queries
from app.tax.assessment import CERTIFICATE_PREFIX
from app.tax.certificates import queries, rules
from app.tax.certificates.errors import CertificateEnded
from app.tax.certificates.models import ExemptionCertificate
from app.tax.certificates.queries import CertificateSummary
from app.tax.certificates.rules import CertificateGround, CertificateHolder, CertificateStatus
from app.tax.rules import TaxSettings
from app.tax.states import UsState

VERIFY = "certificate.verify"
_LOCK = sa.select(ExemptionCertificate.id).with_for_update()


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate as the customer submitted it. `evidence` is where the document is filed."""

    user_id: UUID
    state: UsState
    holder: CertificateHolder
    ground: CertificateGround
    number: str
    valid_until: date
    evidence: str


def record_certificate(
    session: Session, actor: Actor, certificate: NewCertificate, *, reason: str
) -> UUID:
    """Record a certificate and request its verification. Returns the request's id.

    It counts from its verification until its last day, and no longer than the setting. Raises
    `PermissionDenied`, `NotFound` for the customer, `Invalid` naming the field, and `Invalid` for
    the reason.
    """
    require(actor, Permission.TAX_EDIT)
    customer = people.get_account(session, certificate.user_id)
    if customer.role is not Role.USER or customer.status is not AccountStatus.ACTIVE:
        raise Invalid("customer", "Enter a customer whose account is active.")
    certificate_id, now = ids.new(), clock.now()
    days_max = settings_queries.current(session, TaxSettings).certificate_days_max
    values = {
        "state": certificate.state,
        "holder": certificate.holder,
        "ground": certificate.ground,
        "valid_until": rules.last_day(certificate.state, now, certificate.valid_until, days_max),
        "evidence": rules.clean_evidence(certificate.evidence),
    }
    number = keys.seal(
        rules.clean_number(certificate.number),
        table="exemption_certificates",
        column="number_sealed",
        key=certificate_id,
    )
    session.write(
        sa.insert(ExemptionCertificate).values(
            **values,
            id=certificate_id,
            user_id=certificate.user_id,
            number_sealed=number,
            recorded_by=actor.user_id,
            recorded_at=now,
        )
    )
    public_id = ids.encode(CERTIFICATE_PREFIX, certificate_id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CERTIFICATE_RECORDED,
        subject=public_id,
        on_behalf_of=certificate.user_id,
        after={name: str(value) for name, value in values.items()},
        reason=approvals_rules.clean_reason(reason),
    )
    return approvals.request_approval(
        session,
        actor,
        VERIFY,
        {"certificate": public_id},
        subject=public_id,
        subject_id=certificate.user_id,
        reason=reason,
    )


def revoke_certificate(
    session: Session, actor: Actor, certificate_id: UUID, *, reason: str
) -> None:
    """End a certificate at once: sales from now on are taxed.

    Raises `PermissionDenied`, `NotFound`, `CertificateEnded`, and `Invalid` for the reason.
    """
    require(actor, Permission.TAX_EDIT)
    cleaned = approvals_rules.clean_reason(reason)
    certificate = _lock(session, certificate_id)
    if certificate.revoked_at is not None:
        raise CertificateEnded
    session.write(
        sa.update(ExemptionCertificate)
        .where(ExemptionCertificate.id == certificate_id)
        .values(revoked_at=clock.now(), revoked_reason=cleaned)
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CERTIFICATE_REVOKED,
        subject=certificate.public_id,
        on_behalf_of=certificate.user_id,
        before={"status": certificate.status},
        after={"status": CertificateStatus.REVOKED},
        reason=cleaned,
    )


def _lock(session: Session, certificate_id: UUID) -> CertificateSummary:
    session.get(dict, _LOCK.where(ExemptionCertificate.id == certificate_id))
    return queries.get_certificate(session, certificate_id)


def _lock_unverified(session: Session, payload: TextFields) -> CertificateSummary:
    """Return the certificate. Raises `CertificateEnded` unless it waits to be verified."""
    certificate_id = ids.decode(CERTIFICATE_PREFIX, payload["certificate"])
    certificate = _lock(session, certificate_id)
    if certificate.status is not CertificateStatus.UNVERIFIED:
        raise CertificateEnded
    return certificate


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    certificate = _lock_unverified(session, payload)
    facts = {
        "customer": ids.encode("usr", certificate.user_id),
        "state": certificate.state.label,
        "holder": certificate.holder.label,
        "ground": certificate.ground.label,
        "last day": format_date(certificate.valid_until),
        "document": certificate.evidence,
    }
    return ProposedChange(
        {"status": CertificateStatus.UNVERIFIED.label},
        {**facts, "status": CertificateStatus.VALID.label},
    )


def _execute(session: Session, approved: ApprovedRequest) -> None:
    certificate = _lock_unverified(session, approved.payload)
    session.write(
        sa.update(ExemptionCertificate)
        .where(ExemptionCertificate.id == certificate.id)
        .values(verified_at=clock.now(), approval_id=approved.id)
    )
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.CERTIFICATE_VERIFIED,
        subject=certificate.public_id,
        on_behalf_of=certificate.user_id,
        before={"status": CertificateStatus.UNVERIFIED},
        after={
            "status": CertificateStatus.VALID,
            "approval": ids.encode("apr", approved.id),
        },
        reason=approved.reason,
    )


def _check(_session: Session, actor: Actor, _payload: TextFields) -> None:
    require(actor, Permission.TAX_EDIT)


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return the number, to be compared with the document, for those who may verify."""
    certificate = queries.get_certificate(session, ids.decode(CERTIFICATE_PREFIX, subject))
    if Permission.TAX_EDIT not in actor.permissions:
        return {}
    return {
        "Number": queries.get_number(session, certificate.id),
        "Document": certificate.evidence,
    }


approvals_registry.register(
    ApprovalAction(
        VERIFY,
        "Verify an exemption certificate",
        Permission.TAX_EDIT,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"exempt the customer in {fields['state']}",
        follows="Compare number, holder, state and last day with the document first.",
    )
)
