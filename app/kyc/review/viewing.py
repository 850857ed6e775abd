"""What staff read of what customers submitted, and the record of who read it."""

from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import ids
from app.kit.db import Session
from app.kyc import queries
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import CompanyDetails, PersonDetails


def view_details(
    session: Session, actor: Actor, verification_id: UUID
) -> PersonDetails | CompanyDetails | None:
    """Return the submitted details for staff, and record the access, once an hour for each reader.

    None for an enhanced verification, which has documents only. Raises `NotFound`.
    """
    details = submission_queries.details_of(session, verification_id)
    if details is not None:
        audit.record_viewing(
            session,
            actor=actor,
            action=AuditAction.VERIFICATION_VIEWED,
            subject=ids.encode(queries.PREFIX, verification_id),
            on_behalf_of=queries.by_id(session, verification_id).user_id,
        )
    return details
