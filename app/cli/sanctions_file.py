"""Checks of many names at once, from a file: one JSON object a line."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from app.kit.countries import is_country
from app.screening.matching.name_index import Hit
from app.screening.matching.name_normalization import is_comparable
from app.screening.rules import Agreement, PartyType, ScreeningSubject, Verdict

COLUMNS = ("kind", "name", "born", "country", "number")
_KINDS = {
    "": None,
    "person": PartyType.INDIVIDUAL,
    "individual": PartyType.INDIVIDUAL,
    "company": PartyType.ENTITY,
    "entity": PartyType.ENTITY,
}


class InvalidCheckFile(Exception):
    """A line of the file is invalid. Names file, line and what would be right."""


def read_subjects(path: Path) -> Iterator[tuple[str, ScreeningSubject]]:
    """Yield each line's name and its subject. Raises `InvalidCheckFile` for the first wrong one."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCheckFile(f"{path}: save the file as CSV in UTF-8 ({error})") from error
    reader = csv.DictReader(text.splitlines())
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise InvalidCheckFile(
            f"{path}, line 1: the columns {', '.join(missing)} are missing;"
            f" begin with {','.join(COLUMNS)}"
        )
    for row in reader:
        try:
            yield row["name"].strip(), _subject_of(row)
        except (ValueError, AttributeError) as error:
            raise InvalidCheckFile(f"{path}, line {reader.line_num}: {error}") from error


def _subject_of(row: Mapping[str, str | None]) -> ScreeningSubject:
    cells = {column: (row[column] or "").strip() for column in COLUMNS}
    if not is_comparable(cells["name"]):
        raise ValueError("name: enter a name in letters")
    if cells["kind"].lower() not in _KINDS:
        raise ValueError("kind: enter person, company, or nothing")
    country = cells["country"].upper()
    if country and not is_country(country):
        raise ValueError("country: enter a code of two letters, like US, or nothing")
    try:
        born = date.fromisoformat(cells["born"]) if cells["born"] else None
    except ValueError:
        raise ValueError("born: enter a date like 1970-12-31, or nothing") from None
    return ScreeningSubject(
        (cells["name"],),
        born,
        # It may be of residence, which contradicts nothing.
        residences=frozenset({country} if country else ()),
        party_type=_KINDS[cells["kind"].lower()],
        numbers=(cells["number"],) if cells["number"] else (),
    )


def to_json(name: str, hits: list[Hit]) -> str:
    """Return the result of a check as one line of JSON."""
    best = max((hit.score for hit in hits), default=0)
    result = {
        "name": name,
        "verdict": Verdict.REVIEW if hits else Verdict.CLEAR,
        "score": best,
        "entries": [hit.entry_number for hit in hits],
        "hits": [
            {
                "entry": hit.entry_number,
                "listed": hit.listed_name,
                "matchedOn": hit.matched_on,
                "score": hit.score,
                "likeness": hit.likeness,
                **_agreement(hit),
            }
            for hit in hits
        ],
    }
    return json.dumps(result, ensure_ascii=False)


def _agreement(hit: Hit) -> dict[str, list[str]]:
    """Return which facts agree, which do not, and which are not known on both sides."""
    facts = {"birthDate": hit.birth, "country": hit.country, "number": hit.number}
    agrees = {Agreement.EQUAL, Agreement.AGREES, Agreement.NEAR}
    return {
        "agrees": [fact for fact, agreement in facts.items() if agreement in agrees],
        "differs": [fact for fact, agreement in facts.items() if agreement is Agreement.DIFFERS],
        "unknown": [fact for fact, agreement in facts.items() if agreement is Agreement.UNKNOWN],
    }
