"""Claiming a key, storing the answer, forgetting old ones."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import LockNotAvailable

from app.idempotency import rules
from app.idempotency.errors import IdempotencyInProgress, IdempotencyKeyReused
from app.kit import clock
from app.kit.db import Session
from app.kit.pipeline import Row, Statement
from app.kit.tasks import task

#: How long a key is remembered.
KEPT = timedelta(days=30)

_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_LOOKUP = """
SELECT fingerprint, status, content_type, body FROM idempotent_answers
WHERE actor_id = %s AND key = %s
"""
_STORE = """
INSERT INTO idempotent_answers
    (actor_id, key, fingerprint, status, content_type, body, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_FORGET = """
DELETE FROM idempotent_answers WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotent_answers WHERE created_at < %s LIMIT %s
))
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request with a key: whose, which key, and what it asks."""

    actor_id: UUID
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What was or will be answered, byte for byte."""

    status: int
    content_type: str
    body: bytes


def lock(attempt: Attempt) -> Statement:
    """Waits until no other transaction works on this key."""
    return _LOCK, (rules.lock_number(attempt.actor_id, attempt.key),)


def lookup(attempt: Attempt) -> Statement:
    """The row of the stored answer, to be read by `stored_answer`."""
    return _LOOKUP, (attempt.actor_id, attempt.key)


def stored_answer(attempt: Attempt, row: Row | None) -> Answer | None:
    """The answer to repeat, if the key has one.

    Raises `IdempotencyKeyReused` if the key stands for another request.
    """
    if row is None:
        return None
    fingerprint, status, content_type, body = row
    if bytes(fingerprint) != attempt.fingerprint:
        raise IdempotencyKeyReused
    return Answer(status, content_type, bytes(body))


def claim(session: Session, attempt: Attempt, first: Statement) -> tuple[list[Row], Row | None]:
    """Run `first`, then take the key for this transaction and look up its answer, in one trip.

    Returns the rows of `first` and the stored row, if any. Raises `IdempotencyInProgress` when
    another transaction held the key for longer than the connection's lock timeout.
    """
    try:
        rows, _, found = session.fetch(first, lock(attempt), lookup(attempt))
    except LockNotAvailable:
        raise IdempotencyInProgress from None
    return rows, found[0] if found else None


def store(session: Session, attempt: Attempt, answer: Answer) -> None:
    """Keep the answer with its key. Travels with the COMMIT of the effect."""
    session.send(
        _STORE,
        (
            attempt.actor_id,
            attempt.key,
            attempt.fingerprint,
            answer.status,
            answer.content_type,
            answer.body,
            clock.now(),
        ),
    )


def forget(session: Session, before: datetime, *, rows_max: int = 10_000) -> None:
    """Delete answers given before this instant, at most `rows_max` of them in one call."""
    session.send(_FORGET, (before, rows_max))


@task("idempotency.forget_old")
def forget_old(session: Session) -> None:
    """Forget what was answered longer ago than keys are kept."""
    forget(session, clock.now() - KEPT)
