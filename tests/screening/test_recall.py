"""Recall and false positives on the real list.

The list is screened against itself: each name as it is listed, with its words in another order, and
with one typing mistake. bin/test checks a sample of the names, bin/drill all of them.
"""

import random
import string
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app.kit.db import Database
from app.screening.lists import index, sdn
from app.screening.matching.name_index import IndexedParty, NameIndex
from app.screening.rules import PartyType, ScreeningRules, ScreeningSubject
from tests.drill import choose_size, rounds, seeded_random
from tests.screening import ordinary

THRESHOLD = ScreeningRules().threshold
ENTRIES, LETTERS_MIN, SECONDS_MAX = 7379, 8, 30
NAMES = choose_size(150, 100_000)
ORDINARY = choose_size(250, ordinary.COUNT)
#: How many ordinary names may resemble a listed one.
FALSE_MAX_PERCENT = 3
Evidence = Callable[[str, object], None]


@pytest.fixture(scope="module")
def parties(request: pytest.FixtureRequest) -> list[IndexedParty]:
    """All parties on the real list."""
    shared = Path(__file__).resolve().parents[3] / "shared"
    if not shared.is_dir():
        pytest.skip(f"needs the data folder {shared.name}/ beside the checkout")
    return [
        index.build_party(
            entry.number,
            entry.name,
            entry.party_type,
            remarks=entry.remarks,
            aliases=entry.aliases,
            address_countries=[address[2] for address in entry.addresses],
        )
        for entry in sdn.read_files(shared / "data" / "ofac").entries
    ]


@pytest.fixture(scope="module")
def name_index(parties: list[IndexedParty]) -> NameIndex:
    return NameIndex(parties)


def as_listed(name: str, _chance: random.Random) -> str:
    return name


def in_another_order(name: str, choose: random.Random) -> str:
    words = name.replace(",", " ").split()
    return " ".join(choose.sample(words, len(words)))


def with_one_mistake(name: str, choose: random.Random) -> str:
    """Change, omit, insert or swap one letter."""
    places = [letter_position for letter_position, letter in enumerate(name) if letter.isalpha()]
    letter_position, letter = choose.choice(places), choose.choice(string.ascii_lowercase)
    pairs = [
        position for position in places if position + 1 < len(name) and name[position + 1].isalpha()
    ]
    kind = choose.randrange(4 if pairs else 3)
    if kind == 3:
        position = choose.choice(pairs)
        return name[:position] + name[position + 1] + name[position] + name[position + 2 :]
    return (
        name[:letter_position]
        + ("", letter, letter + name[letter_position])[kind]
        + name[letter_position + 1 :]
    )


def choose_names(parties: list[IndexedParty], seed: str, *, aliases: bool) -> list[tuple[int, str]]:
    """Return listed names with their entry numbers: all of them, or as many as this run takes."""
    names = [
        (party.number, name)
        for party in parties
        for kind, name in party.names
        if (kind in {"aka", "fka", "nka"}) is aliases and kind != "weak"
    ]
    return names if len(names) <= NAMES else seeded_random(seed).sample(names, NAMES)


def find_missed(
    name_index: NameIndex, names: list[tuple[int, str]], changed: Callable[..., str]
) -> list[str]:
    """Return the names whose entry is not found after the change."""
    choose = seeded_random(changed.__name__)
    missed = []
    for position in rounds(len(names), changed.__name__):
        number, name = names[position]
        searched_name = changed(name, choose)
        if number not in {
            hit.entry_number
            for hit in name_index.find_hits(ScreeningSubject((searched_name,)), THRESHOLD)
        }:
            missed.append(f"{name} as {searched_name}")
    return missed


@pytest.mark.drill(name="screening")
@pytest.mark.parametrize(
    ("changed", "letters_min"),
    [(as_listed, 0), (in_another_order, 0), (with_one_mistake, LETTERS_MIN)],
)
@pytest.mark.parametrize("aliases", [False, True])
def test_every_listed_name_is_found(
    parties: list[IndexedParty],
    name_index: NameIndex,
    record_property: Evidence,
    changed: Callable[..., str],
    letters_min: int,
    aliases: bool,
) -> None:
    assert len(parties) == ENTRIES
    names = [
        (number, name)
        for number, name in choose_names(parties, f"{changed.__name__} {aliases}", aliases=aliases)
        if sum(letter.isalpha() for letter in name) >= letters_min
    ]
    started = time.perf_counter()
    missed = find_missed(name_index, names, changed)
    milliseconds = (time.perf_counter() - started) / len(names) * 1000
    label = f"{'Aliases' if aliases else 'Names'} {changed.__name__.replace('_', ' ')}"
    record_property(
        "evidence",
        f"{label}: {len(names) - len(missed):,} of {len(names):,} found their entry,"
        f" recall {100 * (len(names) - len(missed)) / len(names):.2f} %,"
        f" {milliseconds:.1f} ms each.",
    )
    assert missed == []


@pytest.mark.drill(name="screening")
def test_few_ordinary_names_are_hits(name_index: NameIndex, record_property: Evidence) -> None:
    names = ordinary.names()
    # Always the same names: in a small random sample, chance alone could exceed the limit.
    searched_names = names[:: max(1, len(names) // ORDINARY)]
    hits = {
        name: best
        for name in searched_names
        for best in name_index.find_hits(
            ScreeningSubject((name,), party_type=PartyType.INDIVIDUAL), THRESHOLD
        )[:1]
    }
    exact = sum(hit.score == 100 for hit in hits.values())
    rate = 100 * len(hits) / len(searched_names)
    record_property(
        "evidence",
        f"Ordinary names: {len(hits)} of {len(searched_names):,} resemble a listed one,"
        f" {rate:.2f} % ({exact} are a listed name letter by letter).",
    )
    print(f"false positives: {len(hits)} of {len(searched_names)}, {rate:.2f} %")
    assert rate <= FALSE_MAX_PERCENT


@pytest.mark.drill(name="screening")
def test_control_names_missing_from_a_list_are_not_found(
    parties: list[IndexedParty], record_property: Evidence
) -> None:
    """From a list without every tenth party, exactly these are missed."""
    parties_checked = parties[: choose_size(600, ENTRIES)]
    removed = {party.number for party in parties_checked[::10]}
    name_index = NameIndex([party for party in parties_checked if party.number not in removed])
    names = [(party.number, party.names[0][1]) for party in parties_checked]
    missed = find_missed(name_index, names, as_listed)
    assert len(missed) == len(removed)
    record_property(
        "evidence",
        f"Control: of a list without {len(removed)} parties, just {len(missed)} were missed.",
    )


@pytest.mark.drill(name="screening")
def test_real_list_is_imported_in_time(
    lone_app: Flask, shared_data: Path, record_property: Evidence
) -> None:
    database: Database = lone_app.extensions["database"]
    started = time.perf_counter()
    result = lone_app.test_cli_runner().invoke(
        args=["sanctions", "import", str(shared_data / "ofac")]
    )
    imported = time.perf_counter() - started
    assert result.exit_code == 0, result.output
    assert "Version 1: 7389 added, 0 changed, 0 removed" in result.output
    started = time.perf_counter()
    with database.reading() as session:
        assert index.current_list(session).version == 1
    built = time.perf_counter() - started
    record_property(
        "evidence",
        f"The import of all {ENTRIES:,} entries took {imported:.1f} s; a process then needs"
        f" {built:.1f} s before its first screening.",
    )
    print(f"imported in {imported:.1f} s, index built in {built:.1f} s")
    assert imported < SECONDS_MAX
