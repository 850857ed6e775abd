"""The background tasks of the key ring and of files."""

from uuid import UUID

from app.keys import files, rotation
from app.kit.db import Session
from app.kit.tasks import Queue, task


@task("keys.rewrap", queue=Queue.NIGHTLY)
def rewrap(session: Session, *, rotation_id: str) -> None:
    """Rewrap one batch of a rotation, and stage the next."""
    rotation.rewrap(session, UUID(rotation_id))


@task("keys.delete_expired_files", queue=Queue.NIGHTLY)
def delete_expired_files(session: Session) -> None:
    """Delete the parts of files whose time is over."""
    files.delete_expired(session)
