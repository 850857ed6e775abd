"""The verbs of imports: send a file, check it, confirm it, apply it."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals.ports import CurrentPermissions
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.imports import queries, registry, rules
from app.imports.errors import ImportSettled
from app.imports.models import ImportRow
from app.imports.queries import RowReport
from app.imports.registry import ImportKind, RowWriter
from app.imports.rules import CsvRow, ImportState, RowOutcome
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid, NotFound, Refusal
from app.kit.ports import resolve
from app.kit.spreadsheets import escape_formula
from app.outbox import service as outbox

#: How many rows share a savepoint; after a refusal each row has its own.
_CHUNK = 50
#: After how many rows the progress is written.
_PROGRESS_ROWS = 1_000
#: A plan that was made while a table was small reads all of it, for each of the rows that follow.
_PLAN_AGAIN = "DISCARD PLANS"
_CHECKED_AGAIN = (
    "A row was refused during the import, so nothing was changed. Every row was checked again."
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_INSERT_ROWS = """
INSERT INTO import_rows (import_id, line, outcome, subject, changes, problems)
SELECT %(id)s, line, outcome, subject, changes, problems FROM jsonb_to_recordset(%(rows)s::jsonb)
AS rows (line integer, outcome text, subject text, changes text[], problems jsonb)
"""


class _Undo(Exception):
    """Ends a transaction whose effect was only tried."""


@contextmanager
def _undone(database: Database) -> Iterator[Session]:
    """Open a transaction that has no effect."""
    with suppress(_Undo), database.transaction() as session:
        yield session
        raise _Undo


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a job works on, with the permissions that the person holds now."""

    import_id: UUID
    actor: Actor
    kind: ImportKind
    rows: Sequence[CsvRow]


def request_import(
    session: Session, actor: Actor, kind_name: str, *, raw: bytes, file_name: str
) -> UUID:
    """Keep a file, and stage the check of its rows; return the id of the import.

    Raises `PermissionDenied`, `Invalid` naming `kind` or `file`: for another encoding, for a
    heading that is wrong, and for a file that is no CSV.
    """
    require(actor, Permission.IMPORTS_USE)
    try:
        kind = registry.find(kind_name)
    except NotFound:
        raise Invalid("kind", "Choose what the file holds.") from None
    require(actor, kind.permission)
    text = rules.decode(raw)
    row_count = sum(1 for _ in _read(kind, text))
    if not row_count:
        raise Invalid("file", "The file has no rows below its heading.")
    import_id = ids.new()
    session.write(
        sa.insert(ImportRow).values(
            id=import_id,
            kind=kind.name,
            file_name=_clean_name(file_name),
            state=ImportState.CHECKING,
            row_count=row_count,
            progress=0,
            **_counts([]),
            problem="",
            content=text.encode(),
            requested_by=actor.user_id,
            requested_at=clock.now(),
        )
    )
    outbox.stage(session, "imports.check_rows", {"import_id": str(import_id)})
    return import_id


def confirm_import(session: Session, actor: Actor, import_id: UUID) -> None:
    """Let the checked rows be written. Raises `PermissionDenied`, `NotFound` and
    `ImportSettled`."""
    require(actor, Permission.IMPORTS_USE)
    summary = queries.get_import(session, actor, import_id)
    require(actor, summary.registered.permission)
    checked = ImportRow.id == import_id, ImportRow.state == ImportState.CHECKED
    confirmed = (
        sa.update(ImportRow)
        .where(*checked)
        .values(state=ImportState.APPLYING, progress=0, problem="", requested_by=actor.user_id)
    )
    if session.find(lambda **row: row, confirmed.returning(ImportRow.id)) is None:
        raise ImportSettled
    outbox.stage(session, "imports.apply_rows", {"import_id": str(import_id)})


def check_rows(database: Database, import_id: UUID) -> None:
    """Check every row of an import as if it were written, without effect. Does nothing for one
    that is not to be checked."""
    loaded = _load(database, import_id, ImportState.CHECKING)
    if loaded is None:
        return
    reports = _check_by_themselves(loaded.kind, loaded.rows)
    right = [row for row in loaded.rows if row.line not in reports]
    for batch in _batches(right, loaded.kind.batch_max):
        for report in _try_batch(database, loaded, batch):
            reports[report.line] = report
    with database.transaction() as session:
        _store(session, import_id, [reports[row.line] for row in loaded.rows])


def apply_rows(database: Database, import_id: UUID) -> None:
    """Write every row of a confirmed import in one transaction. If one is refused, nothing is
    written, and the rows are checked again. Does nothing for one that is not confirmed."""
    loaded = _load(database, import_id, ImportState.APPLYING)
    if loaded is None:
        return
    try:
        with database.transaction() as session:
            _write_all(session, database, loaded)
    except Refusal:
        with database.transaction() as session:
            _settle(session, import_id, ImportState.CHECKING, problem=_CHECKED_AGAIN)
            outbox.stage(session, "imports.check_rows", {"import_id": str(import_id)})


def expire_imports(session: Session) -> None:
    """Delete the files that were checked long ago and never confirmed."""
    old = ImportRow.state == ImportState.CHECKED, ImportRow.requested_at < _expiry()
    session.write(
        sa.update(ImportRow)
        .where(*old)
        .values(state=ImportState.EXPIRED, content=None, settled_at=clock.now())
    )


def export(session: Session, actor: Actor, kind_name: str) -> bytes:
    """Return everything of this kind as a CSV that can be imported again, and record that the
    person took it. Raises `PermissionDenied` and `NotFound`."""
    require(actor, Permission.IMPORTS_USE)
    kind = registry.find(kind_name)
    require(actor, kind.permission)
    output = io.StringIO()
    # Excel reads UTF-8 only behind this mark.
    output.write("\ufeff")
    writer = csv.writer(output)
    writer.writerow(kind.column_names)
    rows = list(kind.export(session))
    for texts in rows:
        writer.writerow([escape_formula(texts.get(name, "")) for name in kind.column_names])
    audit.record(
        session,
        actor=actor,
        action=AuditAction.LIST_EXPORTED,
        subject=kind.name,
        after={"rows": str(len(rows))},
    )
    return output.getvalue().encode()


def _read(kind: ImportKind, text: str) -> Iterator[CsvRow]:
    return rules.read_rows(text, kind.column_names, kind.required_names)


def _clean_name(file_name: str) -> str:
    name = "".join(character for character in file_name if character.isprintable())
    return name[-rules.FILE_NAME_LENGTH_MAX :] or "file.csv"


def _load(database: Database, import_id: UUID, state: ImportState) -> _Loaded | None:
    """Return what a job works on. None for an import in another state; one whose person may not
    import it any more has failed."""
    select = sa.select(ImportRow.kind, ImportRow.content, ImportRow.requested_by)
    of_state = select.where(ImportRow.id == import_id, ImportRow.state == state)
    try:
        with database.transaction() as session:
            found = session.find(lambda **row: row, of_state)
            if found is None:
                return None
            actor = resolve(CurrentPermissions).lock_actor(session, found["requested_by"])
            kind = registry.find(found["kind"])
            require(actor, kind.permission)
            # A process that was killed may have shown some before.
            session.write(sa.update(ImportRow).where(ImportRow.id == import_id).values(progress=0))
    except Refusal as refusal:
        with database.transaction() as session:
            _settle(session, import_id, ImportState.FAILED, problem=refusal.detail)
        return None
    rows = list(_read(kind, bytes(found["content"]).decode()))
    return _Loaded(import_id, actor, kind, rows)


def _check_by_themselves(kind: ImportKind, rows: Sequence[CsvRow]) -> dict[int, RowReport]:
    """Return the reports of rows that are wrong whatever the database holds."""
    reports: dict[int, RowReport] = {}
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = kind.key_of(row.cells)
        problems = {"": row.problem} if row.problem else dict(kind.check_cells(row.cells))
        first = seen.setdefault(key, row.line)
        if first != row.line and not problems.keys() & set(kind.keys) and not row.problem:
            problems[kind.keys[0]] = f"Line {first:,} names it already. Remove one of the two."
        if problems:
            subject = " ".join(filter(None, key))
            reports[row.line] = RowReport(row.line, RowOutcome.WRONG, subject, (), problems)
    return reports


def _batches(rows: Sequence[CsvRow], size: int) -> Iterator[Sequence[CsvRow]]:
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]


def _try_batch(database: Database, loaded: _Loaded, batch: Sequence[CsvRow]) -> Sequence[RowReport]:
    """Write a batch, undo it, and return what became of each row."""
    reports: list[RowReport] = []
    with _undone(database) as session:
        write = loaded.kind.open_batch(session, loaded.actor, [row.cells for row in batch])
        for part in _batches(batch, _PROGRESS_ROWS):
            session.send(_PLAN_AGAIN)
            for chunk in _batches(part, _CHUNK):
                reports += _try_chunk(session, write, chunk)
            _show_progress(database, loaded.import_id, len(part))
    return reports


def _try_chunk(session: Session, write: RowWriter, chunk: Sequence[CsvRow]) -> Sequence[RowReport]:
    try:
        with session.savepoint():
            return [_report(row, write) for row in chunk]
    except Refusal as refusal:
        if len(chunk) == 1:
            return [_report_refusal(chunk[0], refusal)]
        return [report for row in chunk for report in _try_chunk(session, write, [row])]


def _report(row: CsvRow, write: RowWriter) -> RowReport:
    written = write(row.cells)
    return RowReport(row.line, written.outcome, written.subject, written.changes, {})


def _report_refusal(row: CsvRow, refusal: Refusal) -> RowReport:
    text = refusal.message if isinstance(refusal, Invalid) else refusal.detail
    subject = next(iter(row.cells.values()), "")[:100]
    return RowReport(row.line, RowOutcome.WRONG, subject, (), {refusal.field: text})


def _write_all(session: Session, database: Database, loaded: _Loaded) -> None:
    import_id, kind = loaded.import_id, loaded.kind
    # Another worker may have the same job. The row is not locked, so that progress can be shown.
    session.send(_LOCK, (f"import {import_id}",))
    waits = sa.select(ImportRow.id).where(
        ImportRow.id == import_id, ImportRow.state == ImportState.APPLYING
    )
    if session.find(lambda **row: row, waits) is None:
        return
    reports: list[RowReport] = []
    for batch in _batches(loaded.rows, kind.batch_max):
        write = kind.open_batch(session, loaded.actor, [row.cells for row in batch])
        for part in _batches(batch, _PROGRESS_ROWS):
            session.send(_PLAN_AGAIN)
            reports += [_report(row, write) for row in part]
            session.flush()
            _show_progress(database, import_id, len(part))
    counts = _counts(reports)
    _settle(session, import_id, ImportState.DONE, **counts)
    audit.record(
        session,
        actor=loaded.actor,
        action=AuditAction.IMPORT_APPLIED,
        subject=ids.encode(queries.PREFIX, import_id),
        after={"kind": kind.name} | {name: str(count) for name, count in counts.items()},
    )


def _show_progress(database: Database, import_id: UUID, rows: int) -> None:
    further = sa.update(ImportRow).where(ImportRow.id == import_id)
    with database.transaction() as session:
        session.write(further.values(progress=ImportRow.progress + rows))


def _store(session: Session, import_id: UUID, reports: Sequence[RowReport]) -> None:
    session.send("DELETE FROM import_rows WHERE import_id = %s", (import_id,))
    written = json.dumps(
        [
            {
                "line": report.line,
                "outcome": report.outcome,
                "subject": report.subject,
                "changes": list(report.changes),
                "problems": dict(report.problems),
            }
            for report in reports
        ]
    )
    session.send(_INSERT_ROWS, {"id": import_id, "rows": written})
    counts = _counts(reports)
    state = ImportState.WRONG if counts["wrong_count"] else ImportState.CHECKED
    _settle(session, import_id, state, **counts)


def _counts(reports: Sequence[RowReport]) -> Mapping[str, int]:
    counted = Counter(report.outcome for report in reports)
    return {f"{outcome}_count": counted[outcome] for outcome in RowOutcome}


def _settle(session: Session, import_id: UUID, state: ImportState, **values: object) -> None:
    kept: dict[str, object] = {"progress": 0}
    if state not in {ImportState.CHECKING, ImportState.CHECKED}:
        kept = {"content": None, "settled_at": clock.now()}
    if state in {ImportState.WRONG, ImportState.DONE}:
        kept["progress"] = ImportRow.row_count
    of_import = sa.update(ImportRow).where(ImportRow.id == import_id)
    session.write(of_import.values(state=state, **kept, **values))


def _expiry() -> datetime:
    return clock.now() - rules.LIFETIME
