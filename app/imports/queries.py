"""Named reads of imports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.imports import registry
from app.imports.models import CheckedRow, ImportRow
from app.imports.registry import ImportKind
from app.imports.rules import ImportState, RowOutcome
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListSource

PREFIX = "imp"


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """An import without its content."""

    id: UUID
    kind: str
    file_name: str
    state: ImportState
    row_count: int
    progress: int
    added_count: int
    changed_count: int
    same_count: int
    wrong_count: int
    problem: str
    requested_by: UUID
    requested_at: datetime
    settled_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def is_underway(self) -> bool:
        """Whether a job works on it."""
        return self.state in {ImportState.CHECKING, ImportState.APPLYING}

    @property
    def registered(self) -> ImportKind:
        """What it imports."""
        return registry.find(self.kind)


@dataclass(frozen=True, slots=True)
class RowReport:
    """What the check found about a row."""

    line: int
    outcome: RowOutcome
    subject: str
    changes: Sequence[str]
    problems: Mapping[str, str]

    @property
    def what(self) -> str:
        """The columns that differ, or what is wrong with each."""
        wrong = [f"{name}: {text}" if name else text for name, text in self.problems.items()]
        return " ".join(wrong) if wrong else ", ".join(self.changes)


_SELECT = sa.select(
    ImportRow.id,
    ImportRow.kind,
    ImportRow.file_name,
    ImportRow.state,
    ImportRow.row_count,
    ImportRow.progress,
    ImportRow.added_count,
    ImportRow.changed_count,
    ImportRow.same_count,
    ImportRow.wrong_count,
    ImportRow.problem,
    ImportRow.requested_by,
    ImportRow.requested_at,
    ImportRow.settled_at,
)
_IMPORTS = ListSource(
    ImportSummary,
    _SELECT,
    key=ImportRow.id,
    sorts={"requested": ImportRow.requested_at},
    filters={"state": lambda state: ImportRow.state == state},
)


def visible_imports(actor: Actor) -> ListSource[ImportSummary]:
    """Return the imports of the kinds that this person may import."""
    names = [kind.name for kind in registry.list_kinds(actor)]
    return _IMPORTS.where(ImportRow.kind.in_(names))


def get_import(session: Session, actor: Actor, import_id: UUID) -> ImportSummary:
    """Return an import. Raises `NotFound`, also for a kind that the person may not import."""
    summary = session.get(ImportSummary, _SELECT.where(ImportRow.id == import_id))
    if summary.registered.permission not in actor.permissions:
        raise NotFound
    return summary


def list_rows(
    session: Session, import_id: UUID, *, is_wrong: bool, limit: int | None = None
) -> Sequence[RowReport]:
    """Return what the check found about the rows that are wrong, or about the others."""
    wrong = CheckedRow.outcome == RowOutcome.WRONG
    select = (
        sa.select(
            CheckedRow.line,
            CheckedRow.outcome,
            CheckedRow.subject,
            CheckedRow.changes,
            CheckedRow.problems,
        )
        .where(CheckedRow.import_id == import_id, wrong if is_wrong else ~wrong)
        .order_by(CheckedRow.line)
        .limit(limit)
    )
    return session.select(RowReport, select)
