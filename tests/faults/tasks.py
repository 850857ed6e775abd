"""Tasks for tests. Their effects can be counted, because each inserts a row of its own."""

import time
from pathlib import Path
from uuid import uuid4

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.tasks import Queue, task

_EFFECT = """
INSERT INTO messages (id, user_id, event_key, kind, version, subject, body, created_at)
VALUES (%s, %s, %s, 'effect', 1, '', '', %s)
"""


@task("tests.leave_effect", queue=Queue.PAYMENTS)
def leave_effect(session: Session, *, user_id: str) -> None:
    """Have the effect and nothing else."""
    session.send(_EFFECT, (ids.new(), user_id, str(uuid4()), clock.now()))


@task("tests.leave_effect_slowly", queue=Queue.PAYMENTS)
def leave_effect_slowly(session: Session, *, user_id: str, path: str, seconds: float) -> None:
    """Have the effect, then sleep to be killed, on the first try only."""
    leave_effect(session, user_id=user_id)
    session.flush()
    marker = Path(path)
    if not marker.exists():
        marker.touch()
        time.sleep(seconds)


@task("tests.fail", queue=Queue.PAYMENTS)
def fail(session: Session, *, user_id: str, while_exists: str) -> None:
    """Have the effect, then raise an error as long as the file exists."""
    leave_effect(session, user_id=user_id)
    if Path(while_exists).exists():
        raise ValueError("poison")
