"""The values of a list's cells: how a page shows them, and their text."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from app.blueprints.lists import ExactTimeCell, PersonCell, ReferenceCell
from app.blueprints.references import name_person
from app.kit import clock
from app.kit.labels import LabelledEnum, StatusEnum
from app.kit.money import Amount


def cell_kind(value: object) -> str:
    """Return how a cell is shown: the name that components/list.html knows it by."""
    kinds: tuple[tuple[type, str], ...] = (
        (type(None), "missing"),
        (datetime, "time"),
        (date, "date"),
        (ExactTimeCell, "exact time"),
        (Amount, "amount"),
        (int, "count"),
        (StatusEnum, "status"),
        (ReferenceCell, "reference"),
        (PersonCell, "person"),
    )
    return next((kind for cell_type, kind in kinds if isinstance(value, cell_type)), "text")


def cell_text(value: object, names: Mapping[UUID, str]) -> str:
    """Return a cell as plain text: exact, times as in RFC 3339, empty for None."""
    match value:
        case None:
            text = ""
        case PersonCell(person_id=None):
            text = value.missing
        case PersonCell(person_id=UUID() as person_id):
            text = name_person(person_id, names)
        case ReferenceCell():
            text = value.public_id
        case ExactTimeCell():
            text = clock.rfc3339(value.instant)
        case datetime():
            text = clock.rfc3339(value)
        case LabelledEnum():
            text = value.label
        case _:
            text = str(value)
    return text
