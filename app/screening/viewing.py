"""What staff read of screenings, and the record of who read it."""

from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit.db import Session
from app.screening import queries
from app.screening.queries import ScreeningRow


def view_screening(session: Session, actor: Actor, screening_id: UUID) -> ScreeningRow:
    """Return the screening with its subject for staff, and record the access, once an hour for each
    reader. Raises `NotFound`."""
    screening = queries.screening(session, screening_id)
    audit.record_viewing(
        session,
        actor=actor,
        action=AuditAction.SCREENING_VIEWED,
        subject=screening.public_id,
        on_behalf_of=screening.person_id,
    )
    return screening
