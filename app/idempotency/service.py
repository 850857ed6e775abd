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
RETENTION = timedelta(days=30)

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
class IdempotentRequest:
    """One request with a key: whose, which key, and what it asks."""

    actor_id: UUID
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """What was or will be answered, byte for byte."""

    status: int
    content_type: str
    body: bytes


def lock_statement(request: IdempotentRequest) -> Statement:
    """Waits until no other transaction works on this key."""
    return _LOCK, (rules.advisory_lock_number(request.actor_id, request.key),)


def lookup_statement(request: IdempotentRequest) -> Statement:
    """The row of the stored answer, to be read by `stored_answer`."""
    return _LOOKUP, (request.actor_id, request.key)


def read_stored_response(request: IdempotentRequest, row: Row | None) -> StoredResponse | None:
    """The answer to repeat, if the key has one.

    Raises `IdempotencyKeyReused` if the key stands for another request.
    """
    if row is None:
        return None
    fingerprint, status, content_type, body = row
    if bytes(fingerprint) != request.fingerprint:
        raise IdempotencyKeyReused
    return StoredResponse(status, content_type, bytes(body))


def claim_key(
    session: Session, request: IdempotentRequest, first: Statement
) -> tuple[list[Row], Row | None]:
    """Run `first`, then take the key for this transaction and look up its answer, in one trip.

    Returns the rows of `first` and the stored row, if any. Raises `IdempotencyInProgress` when
    another transaction held the key for longer than the connection's lock timeout.
    """
    try:
        rows, _, found = session.fetch(first, lock_statement(request), lookup_statement(request))
    except LockNotAvailable:
        raise IdempotencyInProgress from None
    return rows, found[0] if found else None


def store_response(session: Session, request: IdempotentRequest, response: StoredResponse) -> None:
    """Keep the answer with its key. Travels with the COMMIT of the effect."""
    session.send(
        _STORE,
        (
            request.actor_id,
            request.key,
            request.fingerprint,
            response.status,
            response.content_type,
            response.body,
            clock.now(),
        ),
    )


def delete_before(session: Session, before: datetime, *, rows_max: int = 10_000) -> None:
    """Delete answers given before this instant, at most `rows_max` of them in one call."""
    session.send(_FORGET, (before, rows_max))


@task("idempotency.forget_old")
def delete_expired(session: Session) -> None:
    """Forget what was answered longer ago than keys are kept."""
    delete_before(session, clock.now() - RETENTION)
