"""Whom the real list finds: its own names in every form, and how many ordinary people besides.

The list is screened against itself: each name as it is listed, with its words in another order, and
with one mistake of typing. In bin/test some of them, all in bin/drill.
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
from app.screening.matching.engine import IndexedParty, NameIndex
from app.screening.rules import PartyType, ScreeningRules, ScreeningSubject
from tests.drill import choose_size, rounds, seeded_random
from tests.screening import ordinary

THRESHOLD = ScreeningRules().threshold
ENTRIES, LETTERS_MIN, SECONDS_MAX = 7379, 8, 30
NAMES = choose_size(150, 100_000)
ORDINARY = choose_size(250, ordinary.COUNT)
#: Of ten thousand ordinary names, how many may be like a listed one.
FALSE_MAX_PERCENT = 3
Evidence = Callable[[str, object], None]


@pytest.fixture(scope="module")
def parties(request: pytest.FixtureRequest) -> list[IndexedParty]:
    """Everybody on the real list."""
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
    """A letter changed, left out, put in, or swapped with the next."""
    places = [place for place, letter in enumerate(name) if letter.isalpha()]
    place, letter = choose.choice(places), choose.choice(string.ascii_lowercase)
    pairs = [at for at in places if at + 1 < len(name) and name[at + 1].isalpha()]
    kind = choose.randrange(4 if pairs else 3)
    if kind == 3:
        at = choose.choice(pairs)
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name[:place] + ("", letter, letter + name[place])[kind] + name[place + 1 :]


def chosen(parties: list[IndexedParty], what: str, *, aliases: bool) -> list[tuple[int, str]]:
    """Listed names with their entry's number: all of them, or as many as this run takes."""
    names = [
        (party.number, name)
        for party in parties
        for kind, name in party.names
        if (kind in {"aka", "fka", "nka"}) is aliases and kind != "weak"
    ]
    return names if len(names) <= NAMES else seeded_random(what).sample(names, NAMES)


def missed(
    name_index: NameIndex, names: list[tuple[int, str]], changed: Callable[..., str]
) -> list[str]:
    """The names whose entry is not found under what becomes of them."""
    choose = seeded_random(changed.__name__)
    lost = []
    for place in rounds(len(names), changed.__name__):
        number, name = names[place]
        asked = changed(name, choose)
        if number not in {
            match.entry_number
            for match in name_index.find_hits(ScreeningSubject((asked,)), THRESHOLD)
        }:
            lost.append(f"{name} as {asked}")
    return lost


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
        for number, name in chosen(parties, f"{changed.__name__} {aliases}", aliases=aliases)
        if sum(letter.isalpha() for letter in name) >= letters_min
    ]
    started = time.perf_counter()
    lost = missed(name_index, names, changed)
    each = (time.perf_counter() - started) / len(names) * 1000
    what = f"{'Aliases' if aliases else 'Names'} {changed.__name__.replace('_', ' ')}"
    record_property(
        "evidence",
        f"{what}: {len(names) - len(lost):,} of {len(names):,} found their entry,"
        f" recall {100 * (len(names) - len(lost)) / len(names):.2f} %, {each:.1f} ms each.",
    )
    assert lost == []


@pytest.mark.drill(name="screening")
def test_ordinary_people_pass(name_index: NameIndex, record_property: Evidence) -> None:
    names = ordinary.names()
    # The same of them each time: of so few, chance alone would find too many now and then.
    asked = names[:: max(1, len(names) // ORDINARY)]
    found = {
        name: best
        for name in asked
        for best in name_index.find_hits(
            ScreeningSubject((name,), party_type=PartyType.INDIVIDUAL), THRESHOLD
        )[:1]
    }
    exact = sum(match.score == 100 for match in found.values())
    rate = 100 * len(found) / len(asked)
    record_property(
        "evidence",
        f"Ordinary names: {len(found)} of {len(asked):,} are like a listed one, {rate:.2f} %"
        f" ({exact} are a listed name letter by letter).",
    )
    print(f"false positives: {len(found)} of {len(asked)}, {rate:.2f} %")
    assert rate <= FALSE_MAX_PERCENT


@pytest.mark.drill(name="screening")
def test_control_a_list_with_gaps_is_noticed(
    parties: list[IndexedParty], record_property: Evidence
) -> None:
    """Of a list without every tenth party, just these are missed."""
    some = parties[: choose_size(600, ENTRIES)]
    gone = {party.number for party in some[::10]}
    name_index = NameIndex([party for party in some if party.number not in gone])
    names = [(party.number, party.names[0][1]) for party in some]
    lost = missed(name_index, names, as_listed)
    assert len(lost) == len(gone)
    record_property(
        "evidence", f"Control: of a list without {len(gone)} parties, just {len(lost)} were missed."
    )


@pytest.mark.drill(name="screening")
def test_the_real_list_is_imported_in_time(
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
    print(f"imported in {imported:.1f} s, name_index built in {built:.1f} s")
    assert imported < SECONDS_MAX
