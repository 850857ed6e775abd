"""Importing a version of the list: all of it, or nothing."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from app.audit import service as audit
from app.kit import clock, ids
from app.kit.db import Session
from app.outbox import service as outbox
from app.screening.decisions import subjects
from app.screening.errors import ImportRunning, ListShrank
from app.screening.lists.sdn import SdnEntry, SdnFiles
from app.screening.lists.sdn_remarks import wallet_addresses

#: A list that loses more than one entry in five at once was cut off, as far as we can tell.
_SIZE_MIN_PERCENT = 80
_BATCH = 500
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
    """What an import did. `is_new` is False for the list that stands already."""

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
    """Make these files the current list, as its next version, and have everybody screened again.

    The list that stands already is recognised, and nothing is changed. `progress` is told how many
    entries were stored since it was last called. Raises `ImportRunning`, and `ListShrank` unless
    that is accepted.
    """
    [(alone,)] = session.rows(_TRY_LOCK, (_IMPORT_LOCK,))
    if not alone:
        raise ImportRunning
    version, digest, count = session.row(_NEWEST) or (0, b"", 0)
    if bytes(digest) == files.digest:
        return ImportResult(version, is_new=False)
    if len(files.entries) * 100 < count * _SIZE_MIN_PERCENT and not accept_shrunk:
        raise ListShrank(f"It has {len(files.entries)} entries; the list that stands has {count}")
    standing = {number: bytes(old) for number, old in session.rows(_CURRENT_ENTRIES)}
    entries = [*files.entries, *files.unnamed]
    new = [entry for entry in entries if standing.get(entry.number) != entry.digest]
    changed = [entry.number for entry in new if entry.number in standing]
    removed = sorted(standing.keys() - {entry.number for entry in entries})
    done = ImportResult(
        version + 1,
        is_new=True,
        added=len(new) - len(changed),
        changed=len(changed),
        removed=len(removed),
    )
    _add_version(session, files, done)
    session.send(_END_ENTRIES, (done.version, [*changed, *removed]))
    for start in range(0, len(new), _BATCH):
        rows = [_row(entry) for entry in new[start : start + _BATCH]]
        session.send(_ADD_ENTRIES, (done.version, json.dumps(rows)))
        session.flush()
        progress(len(rows))
    audit.record(
        session,
        actor=None,
        action="sanctions.imported",
        subject=f"sanctions list {done.version}",
        after={
            "digest": files.digest.hex(),
            "entries": len(files.entries),
            "added": done.added,
            "changed": done.changed,
            "removed": done.removed,
        },
    )
    for source in subjects.source_names():
        args = {"version": done.version, "source": source, "after": None}
        outbox.stage(session, "screening.rescreen", args)
    return done


def _add_version(session: Session, files: SdnFiles, result: ImportResult) -> None:
    entries = files.entries
    counts = (
        len(entries),
        sum(len(entry.aliases) for entry in entries),
        sum(len(entry.addresses) for entry in entries),
        sum(len(wallet_addresses(entry.remarks)) for entry in (*entries, *files.unnamed)),
    )
    of_change = (result.added, result.changed, result.removed)
    session.send(_ADD_LIST, (result.version, files.digest, clock.now(), *counts, *of_change))


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
