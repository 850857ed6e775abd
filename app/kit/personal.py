"""What a room says about the people in its tables: each room that names people has a `personal`
module with one `Room`, and `app.privacy` composes them all. docs/PRIVACY.md is written from it.
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
from app.kit.pipeline import Row

#: How long the law keeps what is left of somebody who was erased, and which law.
RETENTION_YEARS = 5
RETENTION_LAW = "31 CFR 1010.430(d)"
RETAINED_BY_LAW = (
    f"The law wants it for {RETENTION_YEARS} years after the erasure: {RETENTION_LAW}."
)

#: A section's records, as JSON: texts, whole numbers, truth values, null, lists and objects.
ExportSections = Mapping[str, list[dict[str, Any]]]
#: Documents by the names they have in the archive.
ExportFiles = Mapping[str, bytes]


def retention_end(erased_at: datetime, years: int = RETENTION_YEARS) -> datetime:
    """The instant so many years later: until then the law keeps what is left of somebody erased."""
    year = erased_at.year + years
    try:
        return erased_at.replace(year=year)
    except ValueError:
        # 29 February: the day after, so that it is no day too short.
        return erased_at.replace(year=year, month=3, day=1)


class ErasureBlocker(NamedTuple):
    """Something of a person that has to end before they can be erased."""

    #: What it is, as a field is named: `balances.USD`.
    field: str
    #: What is open about it, and what would end it.
    message: str


class ErasureEffect(StrEnum):
    """What becomes of the rows about a person who is erased."""

    DELETED = "deleted"
    """With the erasure."""
    ANONYMIZED = "emptied"
    """The rows stay; whatever says who the person is was taken out with the erasure."""
    RETAINED = "kept"
    """The law wants them. They name the person by an id that leads to nobody any more."""
    EXPIRES = "passes"
    """They vanish by themselves, soon."""


class PersonalDataTable(NamedTuple):
    """What a table holds about a person."""

    #: In words, for docs/PRIVACY.md.
    description: str
    on_erasure: ErasureEffect
    #: Why that is right and, where it stays, until when.
    reason: str
    #: The sections of the archive that it goes into.
    export_sections: tuple[str, ...] = ()
    #: Why it goes into none.
    not_exported: str = ""


def _no_sections(_session: Session, _person_id: UUID) -> ExportSections:
    return {}


def _no_files(_session: Session, _person_id: UUID) -> ExportFiles:
    return {}


def _no_blockers(_session: Session, _person_id: UUID) -> list[ErasureBlocker]:
    return []


def _nothing_to_erase(_session: Session, _person_id: UUID) -> None:
    """There is nothing to forget."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """A room's part in a person's rights. `name` is also the archive's file.

    `held` reads everything that the archive is to contain and `files` the person's documents, which
    lie beside it; `still_open` says what stands in the way of an erasure, and `forget` does the
    room's part of it, with the person's row locked.
    """

    name: str
    tables: Mapping[str, PersonalDataTable]
    export_sections: Callable[[Session, UUID], ExportSections] = _no_sections
    export_files: Callable[[Session, UUID], ExportFiles] = _no_files
    erasure_blockers: Callable[[Session, UUID], list[ErasureBlocker]] = _no_blockers
    erase: Callable[[Session, UUID], None] = _nothing_to_erase


def export_records(
    rows: Iterable[Row], field_names: str, **id_prefixes: str
) -> list[dict[str, Any]]:
    """Rows as an archive tells them: their columns by these names, instants and prices as the wire
    writes them, ids in their public form (`id="key"` says whose prefix the column `id` has)."""
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
