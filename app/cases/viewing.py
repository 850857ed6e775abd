"""What staff read of a case, and the record of who read it."""

from collections.abc import Mapping

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.cases import queries
from app.cases.queries import CaseSummary
from app.kit.db import Session


def view_facts(session: Session, actor: Actor, case: CaseSummary) -> Mapping[str, str]:
    """Return the facts of a case that this actor may see, and record the access, once an hour for
    each reader."""
    audit.record_viewing(
        session,
        actor=actor,
        action=AuditAction.CASE_VIEWED,
        subject=case.public_id,
        on_behalf_of=case.person_id,
    )
    return queries.facts(session, case.id)
