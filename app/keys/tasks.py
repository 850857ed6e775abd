"""The background tasks of the key ring."""

from uuid import UUID

from app.keys import rotation
from app.kit.db import Session
from app.kit.tasks import Queue, task


@task("keys.rewrap", queue=Queue.NIGHTLY)
def rewrap(session: Session, *, rotation_id: str) -> None:
    """Rewrap one batch of a rotation, and stage the next."""
    rotation.rewrap(session, UUID(rotation_id))
