"""Claim a key, store and repeat its response, delete expired ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import LockNotAvailable

from app.idempotency import rules
from app.idempotency.errors import IdempotencyInProgress, IdempotencyKeyReused
from app.kit import clock
from app.kit.db import Session
from app.kit.pipeline import Row, Statement

#: How long a key and its response are kept.
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
    """A request with a key: the actor, the key, and the fingerprint of the content."""

    actor_id: UUID
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to a request, byte for byte."""

    status: int
    content_type: str
    body: bytes


def lock_statement(request: IdempotentRequest) -> Statement:
    """Return the statement that waits until no other transaction holds this key."""
    return _LOCK, (rules.advisory_lock_number(request.actor_id, request.key),)


def lookup_statement(request: IdempotentRequest) -> Statement:
    """Return the statement that reads the stored response, for `read_stored_response`."""
    return _LOOKUP, (request.actor_id, request.key)


def read_stored_response(request: IdempotentRequest, row: Row | None) -> StoredResponse | None:
    """Return the response to repeat; None if the key is new.

    Raises `IdempotencyKeyReused` if the key was used for another request.
    """
    if row is None:
        return None
    fingerprint, status, content_type, body = row
    if bytes(fingerprint) != request.fingerprint:
        raise IdempotencyKeyReused
    return StoredResponse(status, content_type, bytes(body))


def claim_key(
    session: Session,
    request: IdempotentRequest,
    first: Statement,
    ahead: Sequence[Statement] = (),
) -> tuple[list[Row], Row | None]:
    """Run `first`, then claim the key for this transaction and look up its response, in one trip,
    with what `Session.fetch` reads `ahead`.

    Return the rows of `first` and the stored row, if any. Raises `IdempotencyInProgress` if another
    transaction holds the key for longer than the connection's lock timeout.
    """
    try:
        rows, _, stored = session.fetch(
            first, lock_statement(request), lookup_statement(request), ahead=ahead
        )
    except LockNotAvailable:
        raise IdempotencyInProgress from None
    return rows, stored[0] if stored else None


def store_response(session: Session, request: IdempotentRequest, response: StoredResponse) -> None:
    """Store the response with its key; sent together with the COMMIT of the effect."""
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
    """Delete at most `rows_max` of the responses stored before this instant."""
    session.send(_FORGET, (before, rows_max))


def delete_expired(session: Session) -> None:
    """Delete the responses whose retention period is over."""
    delete_before(session, clock.now() - RETENTION)
