"""What the person who decides a tier-3 review or a company compares: claims and documents."""

from app.access import Actor, Permission
from app.approvals.registry import TextFields
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_date, format_time
from app.kyc import queries
from app.kyc.evidence import documents
from app.kyc.review import viewing
from app.kyc.rules import VerificationKind
from app.kyc.submission.applicant_details import CompanyDetails, PersonDetails


def describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return what the customer claims and which documents they sent, as texts by label, and record
    the access; nothing for an actor who may not read verifications. Raises `NotFound`."""
    if Permission.KYC_READ not in actor.permissions:
        return {}
    verification = queries.by_id(session, ids.decode(queries.PREFIX, subject))
    identity = queries.effective_identity(queries.verifications_of(session, verification.user_id))
    claims = {
        "Submitted": format_time(verification.submitted_at),
        "Flags": ", ".join(sorted(flag.label for flag in verification.flags)) or "None",
        "Documents sent": ", ".join(
            f"{document.purpose.label} ({format_date(document.uploaded_at)})"
            for document in documents.accepted_documents_of(session, verification.user_id)
        )
        or "None",
    }
    if identity is not None:
        claims |= _describe_claims(viewing.view_details(session, actor, identity.id))
    if verification.kind is VerificationKind.BUSINESS:
        claims |= _describe_claims(viewing.view_details(session, actor, verification.id))
    return claims


def _describe_claims(details: PersonDetails | CompanyDetails | None) -> TextFields:
    if isinstance(details, PersonDetails):
        return {
            "Name": details.name,
            "Birth date": format_date(details.date_of_birth),
            "Home address": details.address.in_one_line,
        }
    if isinstance(details, CompanyDetails):
        return {
            "Company": f"{details.legal_name} ({details.entity_type})",
            "Registered as": details.registration_number,
            "Postal address": details.address.in_one_line,
            "Owners and controllers": "; ".join(owner.name for owner in details.owners),
        }
    return {}
