"""Recall and false positives on the real list, however a listed name is written.

The list is searched for its own names in every other form that tests/screening/variations makes. A
form's demand is met if so many own entries are found, to the percent and within the error of the
sample. bin/test takes a tenth, always the same names; bin/drill screening more, by its seed.
"""

import gc
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from math import sqrt
from pathlib import Path

import pytest
from flask import Flask

from app.kit.db import Database
from app.screening.lists import index, sdn
from app.screening.lists.sdn import SdnEntry
from app.screening.matching import service as screening
from app.screening.matching.name_index import NameIndex
from app.screening.rules import PartyType, ScreeningRules, ScreeningSubject
from tests.drill import IS_FULL_SIZE, SEED, choose_size
from tests.screening import ordinary
from tests.screening.variations import held_out, ordinary_companies
from tests.screening.variations.kinds import COMPANIES, PEOPLE, Kind
from tests.screening.variations.parties import ListedName, listed_names

RULES = ScreeningRules()
ENTRIES, IMPORT_SECONDS_MAX, SCREENING_SECONDS_MAX = 7379, 30, 0.15
#: CPU of one screening on average.
MEAN_SECONDS_MAX = 0.008
EXAMPLES, ORDINARY = choose_size(20, 400), choose_size(480, 4992)
#: How many times the standard error of a sample its recall may be below the demand.
ERRORS = choose_size(3, 2)
#: Each of a few hundred names weighs more than the last digit of a demand.
SMALL_SAMPLE_PERCENT = choose_size(1, 0)
#: In a small random sample, chance alone could miss a demand: bin/test has the same one always.
FIXED_SEED = 20261129
Evidence = Callable[[str, object], None]


@dataclass(frozen=True)
class RealList:
    """The real list, and the strong names on it."""

    entries: tuple[SdnEntry, ...]
    index: NameIndex
    people: list[ListedName]
    companies: list[ListedName]


@pytest.fixture(scope="module")
def real_list() -> RealList:
    shared = Path(__file__).resolve().parents[3] / "shared"
    if not shared.is_dir():
        pytest.skip(f"needs the data folder {shared.name}/ beside the checkout")
    entries = sdn.read_files(shared / "data" / "ofac").entries
    real = RealList(
        entries,
        index.build_index(entries),
        listed_names(entries, people=True),
        listed_names(entries, people=False),
    )
    # As in the product: the collector does not go through the index again and again.
    gc.freeze()
    return real


def random_of(what: str) -> random.Random:
    return random.Random(f"{SEED if IS_FULL_SIZE else FIXED_SEED} {what}")


def find_numbers(real: RealList, subject: ScreeningSubject) -> set[int]:
    return {hit.entry_number for hit in real.index.find_hits(subject, RULES)}


def subject_of(name: str, *, is_person: bool) -> ScreeningSubject:
    party_type = PartyType.INDIVIDUAL if is_person else PartyType.ENTITY
    return ScreeningSubject((name,), party_type=party_type)


class Tally:
    """How many own entries were found: by name alone, with facts, and living elsewhere."""

    def __init__(self) -> None:
        self.asked = Counter[str]()
        self.found = Counter[str]()
        self.missed: list[str] = []

    def count(self, way: str, example: str, *, is_found: bool) -> None:
        self.asked[way] += 1
        self.found[way] += is_found
        if not is_found:
            self.missed.append(f"{way}: {example}")

    def percent(self, way: str) -> float | None:
        return 100 * self.found[way] / self.asked[way] if self.asked[way] else None

    def meets(self, way: str, demand: int | None) -> bool:
        """Return whether the demand is met, to the percent and within the sample's error."""
        percent = self.percent(way)
        if demand is None or percent is None:
            return True
        share = demand / 100
        error = ERRORS * 100 * sqrt(share * (1 - share) / self.asked[way])
        return round(percent) >= demand - error


def tally_kind(real: RealList, kind: Kind) -> Tally:
    tally = Tally()
    choose = random_of(f"{kind.label} {kind.are_people}")
    names = real.people if kind.are_people else real.companies
    for name, varied in kind.examples(names, EXAMPLES, choose):
        subject = subject_of(varied, is_person=kind.are_people)
        example = f"{name.text} as {varied}"
        tally.count("name", example, is_found=name.number in find_numbers(real, subject))
        if not IS_FULL_SIZE:
            continue
        for way, known in known_facts(name, subject, choose):
            tally.count(way, example, is_found=name.number in find_numbers(real, known))
    return tally


def known_facts(
    name: ListedName, subject: ScreeningSubject, choose: random.Random
) -> Iterable[tuple[str, ScreeningSubject]]:
    home = frozenset(sorted(name.countries)[:1])
    if not name.is_person:
        yield "facts", replace(subject, countries=home)
        return
    if name.has_facts:
        known = replace(subject, birth_date=name.choose_birth(choose))
        elsewhere = frozenset({name.choose_residence_elsewhere(choose)})
        yield "facts", replace(known, countries=home)
        yield "elsewhere", replace(known, residences=elsewhere)


@pytest.mark.drill(name="screening")
@pytest.mark.parametrize("kind", [*PEOPLE, *COMPANIES], ids=lambda kind: kind.test_id)
def test_listed_names_are_found_however_they_are_written(
    real_list: RealList, record_property: Evidence, kind: Kind
) -> None:
    assert len(real_list.entries) == ENTRIES
    tally = tally_kind(real_list, kind)
    record_property("evidence", f"{kind.title}: {show(tally)} % of {tally.asked['name']}.")
    assert tally.asked["name"] > 0
    for way, demand in (
        ("name", kind.by_name),
        ("facts", kind.with_facts),
        ("elsewhere", kind.elsewhere),
    ):
        assert tally.meets(way, demand), (tally.percent(way), demand, tally.missed[:20])


def tally_examples(
    real: RealList, examples: Iterable[tuple[ListedName, str]], choose: random.Random
) -> Tally:
    """Count which examples find their own entry, in all three ways."""
    tally = Tally()
    for name, varied in examples:
        subject = subject_of(varied, is_person=name.is_person)
        for way, known in [("name", subject), *known_facts(name, subject, choose)]:
            is_found = name.number in find_numbers(real, known)
            tally.count(way, f"{name.text} as {varied}", is_found=is_found)
    return tally


def show(tally: Tally) -> str:
    ways = [tally.percent(way) for way in ("name", "facts", "elsewhere")]
    return " / ".join(f"{percent:.1f}" for percent in ways if percent is not None)


@pytest.mark.drill(name="screening")
@pytest.mark.parametrize(
    ("are_people", "demand"), [(True, 91), (False, 97)], ids=["people", "companies"]
)
def test_kinds_that_no_rule_was_tuned_with_are_found(
    real_list: RealList, record_property: Evidence, are_people: bool, demand: int
) -> None:
    """The mean over the kinds meets the demand on held-out names."""
    whose = "people" if are_people else "companies"
    names = real_list.people if are_people else real_list.companies
    percents = []
    for vary in held_out.PEOPLE if are_people else held_out.COMPANIES:
        kind = Kind(vary, None, are_people=are_people)
        choose = random_of(f"held out {kind.label}")
        tally = tally_examples(real_list, kind.examples(names, EXAMPLES, choose), choose)
        percents.append(tally.percent("name") or 0.0)
        count = tally.asked["name"]
        record_property("evidence", f"Held out, {whose}, {kind.label}: {show(tally)} % of {count}.")
    mean = sum(percents) / len(percents)
    record_property("evidence", f"Held out, {whose}, mean by name alone: {mean:.1f} %.")
    assert mean + SMALL_SAMPLE_PERCENT * ERRORS >= demand


@pytest.mark.drill(name="screening")
@pytest.mark.parametrize(
    ("are_people", "demand"), [(True, 55), (False, 50)], ids=["people", "companies"]
)
def test_aliases_that_the_index_lacks_are_found_by_other_names(
    real_list: RealList, record_property: Evidence, are_people: bool, demand: int
) -> None:
    """One alias of each chosen party is taken from the list, and its party searched by it."""
    choose = random_of(f"aliases {are_people}")
    names = real_list.people if are_people else real_list.companies
    aliases = {name.number: name for name in choose.sample(names, len(names)) if is_alias(name)}
    chosen = dict(list(aliases.items())[: EXAMPLES * 4])
    entries = [
        replace(entry, aliases=held_out.without_alias(entry, chosen[entry.number].text))
        if entry.number in chosen
        else entry
        for entry in real_list.entries
    ]
    shorter = replace_index(real_list, entries)
    tally = tally_examples(shorter, [(name, name.text) for name in chosen.values()], choose)
    whose = "People" if are_people else "Companies"
    record_property(
        "evidence",
        f"{whose}, by an alias that was taken from the list: {show(tally)} % of {len(chosen)}.",
    )
    assert (tally.percent("name") or 0.0) >= demand


def is_alias(name: ListedName) -> bool:
    return name.text != name.all_names[0] and len(name.all_names) > 1


def false_positives(real: RealList, names: list[tuple[str, ScreeningSubject]]) -> tuple[float, str]:
    """Return how many percent are hits, and those of each origin, the worst first."""
    asked = Counter(origin for origin, _ in names)
    hits = Counter(origin for origin, subject in names if find_numbers(real, subject))
    shares = {origin: 100 * count / asked[origin] for origin, count in hits.items()}
    worst = sorted(shares.items(), key=lambda share: -share[1])
    text = ", ".join(f"{origin} {share:.1f}" for origin, share in worst)
    return 100 * hits.total() / len(names), text


def ordinary_people(*, long: bool, with_facts: bool) -> list[tuple[str, ScreeningSubject]]:
    choose = random.Random("facts of ordinary people")
    named = (ordinary.long_names_by_origin if long else ordinary.names_by_origin)(5000)
    step = len(named) // ORDINARY
    people = []
    for name, origin in named[::step]:
        subject = subject_of(name, is_person=True)
        if with_facts:
            birth = date(choose.randint(1950, 2005), choose.randint(1, 12), choose.randint(1, 28))
            home = frozenset({ordinary.ORIGIN_COUNTRIES[origin]})
            subject = replace(subject, birth_date=birth, residences=home)
        people.append((origin, subject))
    return people


@pytest.mark.drill(name="screening")
@pytest.mark.parametrize(
    ("what", "long", "with_facts", "percent_max"),
    [
        ("Ordinary people by name alone", False, False, 2.2),
        ("Ordinary people with birth date, at home", False, True, 0.6),
        ("Ordinary people with three or four names", True, False, 1.2),
    ],
)
def test_few_ordinary_people_are_hits(
    real_list: RealList,
    record_property: Evidence,
    what: str,
    long: bool,
    with_facts: bool,
    percent_max: float,
) -> None:
    people = ordinary_people(long=long, with_facts=with_facts)
    percent, origins = false_positives(real_list, people)
    record_property("evidence", f"{what}: {percent:.2f} % of {len(people):,} are hits. {origins}.")
    assert percent <= percent_max + SMALL_SAMPLE_PERCENT, origins


@pytest.mark.drill(name="screening")
def test_another_fact_spares_most_people_a_case(
    real_list: RealList, record_property: Evidence
) -> None:
    """Who is a hit by name alone is screened again with the facts that a verification asks for."""
    by_name = ordinary_people(long=False, with_facts=False)
    with_facts = ordinary_people(long=False, with_facts=True)
    hits = {subject.names for _, subject in by_name if find_numbers(real_list, subject)}
    asked = [(origin, known) for origin, known in with_facts if known.names in hits]
    percent, origins = false_positives(real_list, asked)
    left = round(percent * len(asked) / 100)
    record_property(
        "evidence",
        f"Of {len(asked)} ordinary people who are hits by name alone, {left} are with birth date"
        f" and residence; of those by origin, in percent: {origins}.",
    )
    assert left <= len(by_name) * 0.006 + ERRORS


@pytest.mark.drill(name="screening")
def test_few_ordinary_companies_are_hits(real_list: RealList, record_property: Evidence) -> None:
    names = ordinary_companies.names()[:: choose_size(10, 1)]
    companies = [("all", subject_of(name, is_person=False)) for name in names]
    percent, _ = false_positives(real_list, companies)
    record_property("evidence", f"Ordinary companies: {percent:.2f} % of {len(names):,} are hits.")
    assert percent <= 2.8 + SMALL_SAMPLE_PERCENT


@pytest.mark.drill(name="screening")
def test_listed_numbers_are_found_under_another_name(
    real_list: RealList, record_property: Evidence
) -> None:
    listed = [
        (entry.number, number)
        for entry in real_list.entries
        for number in sorted(index.indexed_party(entry).numbers)
    ]
    chosen = random_of("numbers").sample(listed, choose_size(40, 1000))
    missed = [
        number
        for entry_number, number in chosen
        if entry_number
        not in find_numbers(
            real_list, ScreeningSubject(("Grace Hopper",), numbers=(f"{number[:3]} {number[3:]}",))
        )
    ]
    record_property(
        "evidence", f"Listed numbers under another name: {len(chosen) - len(missed)} of"
        f" {len(chosen)}, of {len(listed):,} numbers."
    )  # fmt: skip
    assert missed == []


@pytest.mark.drill(name="screening")
def test_control_parties_missing_from_a_list_are_not_found(
    real_list: RealList, record_property: Evidence
) -> None:
    """From a list without every tenth party, these are missed; and another number finds no one."""
    entries = real_list.entries[: choose_size(300, ENTRIES)]
    removed = {entry.number for entry in entries[::10]}
    shorter = replace_index(real_list, [e for e in entries if e.number not in removed])
    missed = {
        entry.number
        for entry in entries
        if entry.number
        not in find_numbers(
            shorter,
            subject_of(entry.name, is_person=entry.party_type is PartyType.INDIVIDUAL),
        )
    }
    assert missed == removed
    stranger = ScreeningSubject(("Grace Hopper",), numbers=("X0000000",))
    assert find_numbers(real_list, stranger) == set()
    record_property(
        "evidence",
        f"Control: of a list without {len(removed)} parties, just {len(missed)} were missed.",
    )


def replace_index(real: RealList, entries: list[SdnEntry]) -> RealList:
    return replace(real, index=index.build_index(entries))


@pytest.mark.drill(name="screening")
def test_screenings_take_few_milliseconds(real_list: RealList, record_property: Evidence) -> None:
    """Other words than any before, with all facts, so that nothing is remembered."""
    fresh = replace_index(real_list, list(real_list.entries)) if IS_FULL_SIZE else real_list
    gc.freeze()
    choose = random_of("speed")
    names = choose.sample(real_list.people + real_list.companies, choose_size(100, 1000))
    seconds = []
    for name in names:
        subject = subject_of(" ".join(name.words), is_person=name.is_person)
        known = next((known for _, known in known_facts(name, subject, choose)), subject)
        started = time.process_time()
        fresh.index.find_hits(known, RULES)
        seconds.append(time.process_time() - started)
    mean, slowest = sum(seconds) / len(seconds), max(seconds)
    record_property(
        "evidence",
        f"{len(names):,} screenings took {sum(seconds):.1f} s of CPU, {1000 * mean:.1f} ms each,"
        f" the slowest {1000 * slowest:.0f} ms.",
    )
    assert mean <= MEAN_SECONDS_MAX
    assert slowest <= SCREENING_SECONDS_MAX


@pytest.mark.drill(name="screening")
def test_real_list_is_imported_in_time(
    lone_app: Flask,
    shared_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Evidence,
) -> None:
    database: Database = lone_app.extensions["database"]
    started = time.perf_counter()
    result = lone_app.test_cli_runner().invoke(
        args=["sanctions", "import", str(shared_data / "ofac")]
    )
    imported = time.perf_counter() - started
    assert result.exit_code == 0, result.output
    assert "Version 1: 7389 added, 0 changed, 0 removed" in result.output
    # As in a process that starts.
    monkeypatch.setattr(index, "_ready", {})
    started = time.perf_counter()
    assert index.prepare(database) == 1
    built = time.perf_counter() - started
    started = time.perf_counter()
    with database.transaction() as session:
        subject = subject_of("Grace Hopper", is_person=True)
        screening.screen(session, subject, about="usr_1", purpose="drill")
    screened = time.perf_counter() - started
    record_property(
        "evidence",
        f"The import of all {ENTRIES:,} entries took {imported:.1f} s until they were current; a"
        f" process that starts indexes them in {built:.1f} s, outside any transaction, and a"
        f" transaction with a screening then takes {1000 * screened:.0f} ms.",
    )
    print(f"imported in {imported:.1f} s, index built in {built:.1f} s")
    assert imported < IMPORT_SECONDS_MAX
