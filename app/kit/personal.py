"""How a room declares the personal data that it holds.

Each room whose tables refer to people has a `personal` module with one `PersonalData`.
`app.privacy.personal_data_tables` collects them all, and docs/PRIVACY.md is generated from them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session

#: How long records about an erased person must be retained, and the law that says so.
RETENTION_YEARS = 5
RETENTION_LAW = "31 CFR 1010.430(d)"
RETAINED_BY_LAW = (
    f"Retention for {RETENTION_YEARS} years after the erasure is required by law: {RETENTION_LAW}."
)

#: Records by section, in JSON types: strings, integers, booleans, null, lists and objects.
ExportSections = Mapping[str, list[dict[str, Any]]]
#: What reads each document, in the session of the export, by its file name in the archive.
ExportFiles = Mapping[str, Callable[[], bytes]]


def retention_end(erased_at: datetime, years: int = RETENTION_YEARS) -> datetime:
    """Return the instant until which records about a person erased at `erased_at` are retained."""
    year = erased_at.year + years
    try:
        return erased_at.replace(year=year)
    except ValueError:
        # 29 February: use the day after, so that the period is not a day too short.
        return erased_at.replace(year=year, month=3, day=1)


class ErasureBlocker(NamedTuple):
    """Something that has to end before the person can be erased."""

    #: Where it is, as a field path: `balances.USD`.
    field: str
    #: What is still open, and what would end it.
    message: str


class ErasureEffect(StrEnum):
    """What an erasure does to the rows about the person."""

    DELETED = "deleted"
    """The rows are deleted by the erasure."""
    ANONYMIZED = "emptied"
    """The rows stay; the erasure removes everything that identifies the person."""
    RETAINED = "kept"
    """The law requires the rows. They name the person by an id that no longer identifies anyone."""
    EXPIRES = "passes"
    """The rows are not touched; they are deleted shortly afterwards in any case."""


class PersonalDataTable(NamedTuple):
    """The personal data in one table, what an erasure does to it, and where it is exported."""

    #: What the table holds about a person, for docs/PRIVACY.md.
    description: str
    on_erasure: ErasureEffect
    #: The reason for the effect and, for retained rows, the retention period.
    reason: str
    #: The sections of the archive that contain the table's data.
    export_sections: tuple[str, ...] = ()
    #: The reason why no section does.
    not_exported: str = ""


def _no_sections(_session: Session, _person_id: UUID) -> ExportSections:
    return {}


def _no_files(_session: Session, _person_id: UUID) -> ExportFiles:
    return {}


def _no_blockers(_session: Session, _person_id: UUID) -> list[ErasureBlocker]:
    return []


def _nothing_to_erase(_session: Session, _person_id: UUID) -> None:
    """Leave everything as it is: the room's rows are retained or expire."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """The personal data of one room. `name` is the room's name and the archive's file name.

    `export_sections` reads the records for the archive and `export_files` the documents beside
    them. `erasure_blockers` lists what prevents an erasure. `erase` does the room's part of an
    erasure; the person's row is locked while it runs.
    """

    name: str
    tables: Mapping[str, PersonalDataTable]
    export_sections: Callable[[Session, UUID], ExportSections] = _no_sections
    export_files: Callable[[Session, UUID], ExportFiles] = _no_files
    erasure_blockers: Callable[[Session, UUID], list[ErasureBlocker]] = _no_blockers
    erase: Callable[[Session, UUID], None] = _nothing_to_erase


def export_records(
    rows: Iterable[Iterable[Any]], field_names: str, **id_prefixes: str
) -> list[dict[str, Any]]:
    """Return rows as records of an export section.

    `field_names` names the columns, separated by spaces. Instants and decimals are formatted as in
    the API. Ids get their public form: `id="key"` gives the column `id` the prefix `key`.
    """
    return [
        {
            name: _export_value(value, id_prefixes.get(name, ""))
            for name, value in zip(field_names.split(), row, strict=True)
        }
        for row in rows
    ]


def _export_value(value: Any, prefix: str) -> Any:
    if isinstance(value, UUID):
        return ids.encode(prefix, value)
    if isinstance(value, datetime):
        return clock.rfc3339(value)
    return format(value, "f") if isinstance(value, Decimal) else value
