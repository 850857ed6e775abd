"""The verbs of throttle: count hits, delete ended windows."""

from datetime import datetime, timedelta

from app.kit import clock
from app.kit.db import Session

_COUNT = """
INSERT INTO throttle_counts (key, hits, expires_at) VALUES (%s, %s, %s)
ON CONFLICT (key) DO UPDATE SET hits = throttle_counts.hits + excluded.hits
RETURNING hits
"""
_DELETE_ENDED = "DELETE FROM throttle_counts WHERE expires_at < %s"


def count_hits(session: Session, key: str, *, window_seconds: int, hits: int = 1) -> int:
    """Add `hits` to the key and return its total in this window."""
    expires_at = clock.now() + timedelta(seconds=window_seconds)
    return int(session.value(_COUNT, (key, hits, expires_at)))


def delete_ended_before(session: Session, before: datetime) -> None:
    """Delete the windows that ended before the instant `before`."""
    session.send(_DELETE_ENDED, (before,))


def delete_ended(session: Session) -> None:
    """Delete the windows that have ended."""
    delete_ended_before(session, clock.now())
