"""Counting, and forgetting windows that are over."""

from datetime import datetime, timedelta

from app.kit import clock
from app.kit.db import Session
from app.kit.tasks import task

_COUNT = """
INSERT INTO throttle_counts (key, hits, expires_at) VALUES (%s, %s, %s)
ON CONFLICT (key) DO UPDATE SET hits = throttle_counts.hits + excluded.hits
RETURNING hits
"""
_CLEAR = "DELETE FROM throttle_counts WHERE key = %s"
_FORGET = "DELETE FROM throttle_counts WHERE expires_at < %s"


def count_hits(session: Session, key: str, *, window_seconds: int, hits: int = 1) -> int:
    """Add `hits` to the key and answer its total in this window."""
    expires_at = clock.now() + timedelta(seconds=window_seconds)
    row = session.row(_COUNT, (key, hits, expires_at))
    assert row is not None
    return int(row[0])


def reset(session: Session, key: str) -> None:
    """Start the key's window afresh."""
    session.send(_CLEAR, (key,))


def delete_ended_before(session: Session, before: datetime) -> None:
    """Delete windows that ended before this instant."""
    session.send(_FORGET, (before,))


@task("throttle.forget_ended")
def delete_ended(session: Session) -> None:
    """Forget the windows that are over."""
    delete_ended_before(session, clock.now())
