"""Key rotation: make a new key the active one, and rewrap all sealed values by it.

A rotation passes over the sealed columns in batches. Each batch is a transaction that stores where
it stopped, so that a killed rotation continues there. Values that a process sealed with the old key
before it saw the new one are found by the next pass; the rotation ends with a pass that finds
nothing to do. Until then the old keys open what they sealed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.keys import queries
from app.keys.errors import KeyInUse, KeyLost, KeyRingUnavailable
from app.keys.ports import KeyRing, KeyState
from app.keys.registry import SealedColumn, sealed_columns
from app.keys.service import binding_context
from app.kit import clock, crypto, ids
from app.kit.crypto import DecryptionFailed
from app.kit.db import Session
from app.kit.formatting import format_number_of
from app.kit.ports import resolve
from app.outbox import service as outbox

BATCH = 500
#: Every transaction that began under the old key has ended by then.
RETIRE_AFTER = timedelta(hours=1)

_UNFINISHED = "SELECT id, key_id FROM key_rotations WHERE finished_at IS NULL FOR UPDATE"
_BEGIN = "INSERT INTO key_rotations (id, key_id, started_at) VALUES (%s, %s, %s)"
_FINISH = "UPDATE key_rotations SET finished_at = %s WHERE id = %s"
_TAKE = """
SELECT key_id, at_table, at_column, after_key, pass_changed
FROM key_rotations WHERE id = %s AND finished_at IS NULL FOR UPDATE
"""
_START_AGAIN = """
UPDATE key_rotations
SET at_table = NULL, at_column = NULL, after_key = NULL, pass_changed = false, unreadable = 0
WHERE id = %s
"""
_STEP = """
UPDATE key_rotations
SET at_table = %(table)s, at_column = %(column)s, after_key = %(after)s,
    pass_changed = pass_changed OR %(rewrapped)s > 0,
    rewrapped = rewrapped + %(rewrapped)s, unreadable = unreadable + %(unreadable)s
WHERE id = %(id)s
"""
_VALUES = """
SELECT "{key}", "{column}" FROM "{table}"
WHERE substring("{column}" FROM 2 FOR 8) <> %(key_id)s {after}
ORDER BY "{key}" LIMIT %(limit)s FOR NO KEY UPDATE
"""
_AFTER = 'AND "{key}" > %(after)s::text::{key_type}'
_STORE = 'UPDATE "{table}" SET "{column}" = %s WHERE "{key}" = %s'


@dataclass(frozen=True, slots=True)
class _RotationCursor:
    """The position of a rotation in its current pass."""

    key_id: str
    at_table: str | None
    at_column: str | None
    after_key: str | None
    pass_changed: bool

    def next_column(self) -> tuple[SealedColumn, str | None] | None:
        """Return the column to continue in and the row key to continue after; None at the end.

        Without a row key, the column at the position is done. A column that no longer exists is
        skipped.
        """
        place = (self.at_table or "", self.at_column or "")
        for column in sealed_columns():
            here = (column.table, column.column)
            if here == place and self.after_key is not None:
                return column, self.after_key
            if here > place:
                return column, None
        return None


def begin_rotation(session: Session) -> UUID:
    """Make a key the active one, and stage the job that rewraps everything by it.

    The key is the newest in the ring that has never sealed, or a new one. An unfinished rotation
    continues instead, unless the ring has lost its key. Return the rotation's id. Raises
    `RotationRunning`.
    """
    ring = resolve(KeyRing)
    unfinished = session.row(_UNFINISHED)
    if unfinished is not None:
        rotation_id, key_id = unfinished
        try:
            if ring.active_id() != key_id:
                ring.activate(key_id)
        except KeyLost:
            session.send(_FINISH, (clock.now(), rotation_id))
        else:
            return _stage_next_batch(session, rotation_id)
    waiting = [key for key in ring.list_keys() if key.state is KeyState.WAITS]
    key_id = (waiting[-1] if waiting else ring.generate()).id
    rotation_id = ids.new()
    session.send(_BEGIN, (rotation_id, key_id, clock.now()))
    # If two rotations start at once, one is refused here and leaves the ring unchanged.
    session.flush()
    ring.activate(key_id)
    return _stage_next_batch(session, rotation_id)


def _stage_next_batch(session: Session, rotation_id: UUID) -> UUID:
    outbox.stage(session, "keys.rewrap", {"rotation_id": str(rotation_id)})
    return rotation_id


def rewrap(session: Session, rotation_id: UUID) -> None:
    """Rewrap one batch of a rotation and stage the next. Jobs of the same rotation take turns."""
    if rewrap_batch(session, rotation_id):
        _stage_next_batch(session, rotation_id)


def rewrap_batch(session: Session, rotation_id: UUID, *, limit: int = BATCH) -> bool:
    """Rewrap up to `limit` values and store the position. Return False if nothing is left to do.

    Raises `KeyRingUnavailable` while the rotation's key is not active in this machine's ring.
    """
    row = session.row(_TAKE, (rotation_id,))
    if row is None:
        return False
    cursor = _RotationCursor(*row)
    position = cursor.next_column()
    if position is None:
        if not cursor.pass_changed:
            session.send(_FINISH, (clock.now(), rotation_id))
            return False
        session.send(_START_AGAIN, (rotation_id,))
        return True
    if resolve(KeyRing).active_id() != cursor.key_id:
        raise KeyRingUnavailable(
            f"The key {cursor.key_id} is not active in this machine's key ring yet."
        )
    column, after = position
    rows = _read_batch(session, column, cursor.key_id, after, limit)
    rewrapped = _rewrap_rows(session, column, rows)
    session.send(
        _STEP,
        {
            "id": rotation_id,
            "table": column.table,
            "column": column.column,
            "after": None if len(rows) < limit else str(rows[-1][0]),
            "rewrapped": rewrapped,
            "unreadable": len(rows) - rewrapped,
        },
    )
    return True


def _read_batch(
    session: Session, column: SealedColumn, key_id: str, after: str | None, limit: int
) -> list[tuple[UUID | str, bytes]]:
    names = {name: getattr(column, name) for name in ("table", "column", "key", "key_type")}
    statement = _VALUES.format(after=_AFTER.format(**names) if after else "", **names)
    values = {"key_id": bytes.fromhex(key_id), "after": after, "limit": limit}
    return [(key, sealed) for key, sealed in session.rows(statement, values)]


def _rewrap_rows(
    session: Session, column: SealedColumn, rows: list[tuple[UUID | str, bytes]]
) -> int:
    ring = resolve(KeyRing)
    store = _STORE.format(table=column.table, column=column.column, key=column.key)
    done = 0
    for key, sealed in rows:
        place = binding_context(column.table, column.column, key)
        try:
            wrapped = crypto.rewrap(sealed, place, ring.unwrap, ring.wrap)
        except (DecryptionFailed, KeyLost):
            continue
        session.send(store, (wrapped, key))
        done += 1
    return done


def retire_key(session: Session, key_id: str, *, actor: Actor | None = None) -> None:
    """Retire a key for good: the ring deletes its secret.

    The ring does so at once, even if the transaction is rolled back. Raises `KeyLost` for an
    unknown or retired key, and `KeyInUse` for the active key, while a rotation runs or started less
    than an hour ago, and while a sealed value needs the key.
    """
    ring = resolve(KeyRing)
    keys = {key.id: key for key in ring.list_keys()}
    if key_id not in keys or keys[key_id].retired_at is not None:
        raise KeyLost(key_id)
    if session.row(_UNFINISHED) is not None:
        raise KeyInUse("A rotation is not finished. Continue it with `flask keys rotate`.")
    since = keys[ring.active_id()].activated_at
    if since is None or clock.now() - since < RETIRE_AFTER:
        raise KeyInUse(f"The active key has been active for less than {RETIRE_AFTER}. Try later.")
    needed = queries.count_values_by_key(session).get(key_id, 0)
    if needed:
        raise KeyInUse(
            f"The key {key_id} sealed {format_number_of(needed, 'value')}."
            " Rotate the key ring first."
        )
    audit.record(session, actor=actor, action=AuditAction.KEY_RETIRED, subject=f"key {key_id}")
    session.flush()
    ring.retire(key_id)


def is_rotation_due(active_since: datetime | None, now: datetime, days: int) -> bool:
    """Return whether the active key has been active for more than `days`."""
    return active_since is not None and now - active_since > timedelta(days=days)
