"""Tasks of the tests. Their effects can be counted: each is a row of its own, never the same."""

import time
from pathlib import Path
from uuid import uuid4

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.tasks import task

_EFFECT = """
INSERT INTO messages (id, user_id, event_key, kind, version, subject, body, created_at)
VALUES (%s, %s, %s, 'effect', 1, '', '', %s)
"""


@task("tests.leave_effect")
def leave_effect(session: Session, *, user_id: str) -> None:
    """The effect alone."""
    session.send(_EFFECT, (ids.new(), user_id, str(uuid4()), clock.now()))


@task("tests.leave_effect_slowly")
def leave_effect_slowly(session: Session, *, user_id: str, path: str, seconds: float) -> None:
    """The effect, then a long time in which to be killed: only on the first of all tries."""
    leave_effect(session, user_id=user_id)
    session.flush()
    marker = Path(path)
    if not marker.exists():
        marker.touch()
        time.sleep(seconds)


@task("tests.fail")
def fail(session: Session, *, user_id: str, while_exists: str) -> None:
    """The effect, and then an error for as long as the file is there."""
    leave_effect(session, user_id=user_id)
    if Path(while_exists).exists():
        raise ValueError("poison")
