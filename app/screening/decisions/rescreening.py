"""Screening everyone again after the list has changed, a batch in each job."""

from uuid import UUID

from app.kit.db import Session
from app.outbox import service as outbox
from app.screening.decisions import subjects
from app.screening.matching import service as screening

BATCH = 100
PURPOSE = "list_update"

_CURRENT = "SELECT max(version) FROM sanctions_lists WHERE current_at IS NOT NULL"


def rescreen(session: Session, *, version: int, source: str, after: UUID | None) -> None:
    """Screen the next batch of a source, and stage the batch after it.

    If the version is no longer current, nothing is left to do: the newer one has its own jobs.
    """
    if session.value(_CURRENT) != version:
        return
    batch = subjects.source_named(source)(session, after, BATCH)
    for subject in batch:
        screening.screen(
            session,
            subject.subject,
            about=subject.about,
            purpose=PURPOSE,
            person_id=subject.person_id,
            is_incomplete=subject.is_incomplete,
        )
    if len(batch) == BATCH:
        args = {"version": version, "source": source, "after": str(batch[-1].id)}
        outbox.stage(session, "screening.rescreen", args)
