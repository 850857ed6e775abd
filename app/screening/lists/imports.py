"""Import of a version of the list, all or nothing; `activation` makes it current."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_count, format_number_of
from app.outbox import service as outbox
from app.screening.errors import ImportRunning, ListShrank
from app.screening.lists.sdn import SdnEntry, SdnFiles
from app.screening.lists.sdn_remarks import wallet_addresses

#: A list that loses more than one entry in five at once is probably incomplete.
_SIZE_MIN_PERCENT = 80
_BATCH = 500
_ACTIVATION_DELAY = timedelta(minutes=1)
_IMPORT_LOCK = 7_226_016

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_NEWEST = "SELECT version, digest, entries FROM sanctions_lists ORDER BY version DESC LIMIT 1"
_CURRENT_ENTRIES = "SELECT number, digest FROM sanctions_entries WHERE until IS NULL"
_ADD_LIST = """
INSERT INTO sanctions_lists (version, digest, imported_at, entries, aliases, addresses, wallets,
    added, changed, removed)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_END_ENTRIES = """
UPDATE sanctions_entries SET until = %s WHERE until IS NULL AND number = ANY(%s)
"""
_ADD_ENTRIES = """
INSERT INTO sanctions_entries (id, number, since, digest, name, sort, programs, remarks, details,
    aliases, addresses)
SELECT id, number, %s, decode(digest, 'hex'), name, sort, programs, remarks, details, aliases,
    addresses
FROM jsonb_to_recordset(%s::jsonb) AS entry (id uuid, number integer, digest text, name text,
    sort text, programs text[], remarks text, details jsonb, aliases jsonb, addresses jsonb)
"""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import. `is_new` is False if the files are the newest list."""

    version: int
    is_new: bool
    added: int = 0
    changed: int = 0
    removed: int = 0


def import_list(
    session: Session,
    files: SdnFiles,
    *,
    progress: Callable[[int], None],
    accept_shrunk: bool = False,
) -> ImportResult:
    """Import these files as the next version of the list. Screenings use it from when the caller,
    or a job a while after this transaction, makes it current.

    If they are the newest list, nothing is changed. `progress` receives the number of entries
    stored since its last call. Raises `ImportRunning`, and `ListShrank` unless that is accepted.
    """
    if not session.value(_TRY_LOCK, (_IMPORT_LOCK,)):
        raise ImportRunning
    version, digest, count = session.row(_NEWEST) or (0, b"", 0)
    if bytes(digest) == files.digest:
        return ImportResult(version, is_new=False)
    if len(files.entries) * 100 < count * _SIZE_MIN_PERCENT and not accept_shrunk:
        raise ListShrank(
            f"The new list has {format_number_of(len(files.entries), 'entry', 'entries')};"
            f" the current list has {format_count(count)}."
        )
    current_digests = {number: bytes(old) for number, old in session.rows(_CURRENT_ENTRIES)}
    entries = [*files.entries, *files.unnamed]
    new = [entry for entry in entries if current_digests.get(entry.number) != entry.digest]
    changed = [entry.number for entry in new if entry.number in current_digests]
    removed = sorted(current_digests.keys() - {entry.number for entry in entries})
    result = ImportResult(
        version + 1,
        is_new=True,
        added=len(new) - len(changed),
        changed=len(changed),
        removed=len(removed),
    )
    _add_version(session, files, result)
    session.send(_END_ENTRIES, (result.version, [*changed, *removed]))
    for start in range(0, len(new), _BATCH):
        rows = [_row(entry) for entry in new[start : start + _BATCH]]
        session.send(_ADD_ENTRIES, (result.version, json.dumps(rows)))
        session.flush()
        progress(len(rows))
    audit.record(
        session,
        actor=None,
        action=AuditAction.SANCTIONS_IMPORTED,
        subject=f"sanctions list {result.version}",
        after={
            "digest": files.digest.hex(),
            "entries": len(files.entries),
            "added": result.added,
            "changed": result.changed,
            "removed": result.removed,
        },
    )
    # In case the importing process ends too early.
    later = clock.now() + _ACTIVATION_DELAY
    outbox.stage(session, "screening.activate", {"version": result.version}, not_before=later)
    return result


def _add_version(session: Session, files: SdnFiles, result: ImportResult) -> None:
    entries = files.entries
    counts = (
        len(entries),
        sum(len(entry.aliases) for entry in entries),
        sum(len(entry.addresses) for entry in entries),
        sum(len(wallet_addresses(entry.remarks)) for entry in (*entries, *files.unnamed)),
    )
    changes = (result.added, result.changed, result.removed)
    session.send(_ADD_LIST, (result.version, files.digest, clock.now(), *counts, *changes))


def _row(entry: SdnEntry) -> dict[str, object]:
    return {
        "id": str(ids.new()),
        "number": entry.number,
        "digest": entry.digest.hex(),
        "name": entry.name,
        "sort": entry.party_type,
        "programs": list(entry.programs),
        "remarks": entry.remarks,
        "details": dict(entry.details),
        "aliases": list(entry.aliases),
        "addresses": list(entry.addresses),
    }
