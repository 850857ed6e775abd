"""The verbs of the audit trail: record an act, seal records, anchor the head of the chain."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from app.access import Actor
from app.audit import rules
from app.audit.actions import AuditAction
from app.audit.errors import AuditTrailBroken
from app.audit.keys import AuditKeys
from app.audit.ports import Anchor, AnchorStore
from app.audit.rules import AuditOutcome
from app.kit import clock, ids, telemetry
from app.kit.db import Session
from app.kit.ports import resolve
from app.throttle import service as throttle

#: The most records that one run seals. The next run continues.
BATCH = 5_000
#: One record is enough for what a person reads again within it.
_VIEWING_SECONDS = int(timedelta(hours=1).total_seconds())
_SEALER_LOCK = 7_226_009

_RECORD = """
INSERT INTO audit_records (id, recorded_at, actor_id, actor_role, session_id, on_behalf_of, action,
    subject, before, after, reason, request_id, outcome, key_id, mac)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_HEAD = """
SELECT position, record_id::text, xid::text, sealed_at, key_id, digest FROM audit_seals
ORDER BY position DESC LIMIT 1
"""
_DIGEST = "SELECT digest FROM audit_seals WHERE position = %s"
# Every transaction below the snapshot's xmin has ended: all its records are visible, and later
# records come after them in this order.
_READY = """
SELECT r.id::text, r.xid::text, r.mac FROM audit_records r
WHERE (r.xid, r.id) > (%s::text::xid8, %s::text::uuid)
    AND r.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY r.xid, r.id LIMIT %s
"""
_UNSEALED = """
SELECT r.id::text, r.xid::text, r.mac FROM audit_records r
WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.record_id = r.id)
ORDER BY r.xid, r.id LIMIT %s
"""
_SEAL = """
INSERT INTO audit_seals (position, record_id, xid, sealed_at, key_id, digest)
SELECT position, record_id, xid, %s, %s, digest
FROM unnest(%s::bigint[], %s::text[]::uuid[], %s::text[]::xid8[], %s::bytea[])
    AS seal (position, record_id, xid, digest)
"""


def record(
    session: Session,
    *,
    actor: Actor | None,
    action: AuditAction,
    subject: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str | None = None,
    on_behalf_of: UUID | None = None,
    outcome: AuditOutcome = AuditOutcome.DONE,
) -> UUID:
    """Record an act in the transaction of the act. Takes no lock. Returns the record's id.

    `actor` is None for the system and the command line. `subject` is the public id of what
    was acted on. `before` and `after` are JSON without floats or secrets, limited to what changed.
    The edge records denials after the rollback; a verb that returns its refusal as a value records
    it itself, with `AuditOutcome.DENIED`. Raises `ValueError` for contents that a record must not
    have (rules.canonical_json).
    """
    key, now, identifier = resolve(AuditKeys).current, clock.now(), ids.new()
    values = (
        identifier,
        now,
        actor.user_id if actor else None,
        str(actor.role) if actor else None,
        actor.session_id if actor else None,
        on_behalf_of,
        action,
        subject,
        rules.canonical_json(before),
        rules.canonical_json(after),
        rules.clean_text(reason),
        telemetry.request_id.get() or None,
        outcome,
        key.key_id,
    )
    texts = [None if value is None else str(value) for value in values]
    texts[1] = rules.format_instant(now)
    session.send(_RECORD, (*values, key.mac_of_record(rules.record_message(texts))))
    return identifier


def record_viewing(
    session: Session,
    *,
    actor: Actor,
    action: AuditAction,
    subject: str,
    on_behalf_of: UUID | None = None,
) -> None:
    """Record that a member of staff read what is held about a person, once an hour for each reader
    and subject."""
    hour = int(clock.now().timestamp() // _VIEWING_SECONDS)
    key = f"viewed:{actor.user_id}:{subject}:{hour}"
    if throttle.count_hits(session, key, window_seconds=_VIEWING_SECONDS) == 1:
        record(session, actor=actor, action=action, subject=subject, on_behalf_of=on_behalf_of)


def seal(session: Session) -> None:
    """Give every record whose transaction has ended its position in the chain."""
    if session.value(_TRY_LOCK, (_SEALER_LOCK,)):
        _seal(session, ignore_transactions=False)


def seal_all(session: Session) -> int:
    """Seal every unsealed record whatever its transaction number. Returns how many were sealed.

    For a trail restored into another cluster, whose transaction numbers differ, while nothing else
    writes.
    """
    session.send("SELECT pg_advisory_xact_lock(%s)", (_SEALER_LOCK,))
    total = 0
    while count := _seal(session, ignore_transactions=True):
        total += count
    return total


def _seal(session: Session, *, ignore_transactions: bool) -> int:
    position, record_id, xid, _sealed_at, _key_id, previous = _head(session)
    if ignore_transactions:
        ready = session.rows(_UNSEALED, (BATCH,))
    else:
        ready = session.rows(_READY, (xid, record_id, BATCH))
    if not ready:
        return 0
    key, now = resolve(AuditKeys).current, clock.now()
    at = rules.format_instant(now)
    positions = range(position + 1, position + 1 + len(ready))
    digests = []
    for next_position, (record_id, xid, mac) in zip(positions, ready, strict=True):
        fields = (str(next_position), record_id, xid, at, key.key_id, mac.hex(), previous.hex())
        previous = key.mac_of_seal(rules.seal_message(fields))
        digests.append(previous)
    session.send(
        _SEAL,
        (
            now,
            key.key_id,
            list(positions),
            [record_id for record_id, _, _ in ready],
            [xid for _, xid, _ in ready],
            digests,
        ),
    )
    return len(ready)


def _head(session: Session) -> tuple[int, str, str, object, str, bytes]:
    """Return the last seal; before the first one, a position that every record comes after."""
    start = (0, str(UUID(int=0)), "0", None, "", rules.GENESIS)
    return session.row(_HEAD) or start


def anchor(session: Session) -> None:
    """Sign the head of the chain and store it outside the database, unless it is anchored already.

    Reads committed rows only, so an anchor never covers what a crash could still undo. Raises
    `AuditTrailBroken` if the chain is no longer the one that was anchored.
    """
    row = session.row(_HEAD)
    if row is None:
        return
    position, record_id, _xid, sealed_at, _key_id, digest = row
    anchors = resolve(AnchorStore)
    latest = anchors.latest()
    if latest is not None:
        if latest.position == position and latest.digest == digest.hex():
            return
        # A chain that was cut or replaced must not overwrite the evidence of it.
        anchored = session.optional_value(_DIGEST, (latest.position,))
        if anchored is None or anchored.hex() != latest.digest:
            raise AuditTrailBroken(latest.position)
    key, at = resolve(AuditKeys).current, rules.format_instant(sealed_at)
    unsigned = (at[:10], str(position), record_id, at, key.key_id, digest.hex())
    signature = key.sign(rules.anchor_message(unsigned)).hex()
    anchors.store(Anchor(at[:10], position, *unsigned[2:], signature=signature))
