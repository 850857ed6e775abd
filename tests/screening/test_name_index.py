"""Similarity of names by weighed words, with birth dates and countries."""

from datetime import date

import pytest

from app.screening.matching.name_index import IndexedParty, NameIndex
from app.screening.rules import (
    Agreement,
    BirthDateSpan,
    PartyType,
    ScreeningSubject,
    compare_birth_dates,
    compare_countries,
    total_score,
)

DAY = date(1960, 6, 14)
ESPERPENTO = IndexedParty(
    1,
    PartyType.INDIVIDUAL,
    (
        ("name", "ESPERPENTO VILLANOVA, Dragomir Casimir"),
        ("aka", "VILLANUEVA, Drago"),
        ("weak", "THE ALCHEMIST"),
    ),
    (BirthDateSpan(DAY, DAY),),
    frozenset({"MD"}),
)
BULLION = IndexedParty(
    2, PartyType.ENTITY, (("name", "SHADOW-BULLION TRADING LLC"),), (), frozenset({"PA", "MD"})
)
#: Names that make some words common and others rare.
COMMON_NAMES = tuple(
    IndexedParty(
        number, PartyType.INDIVIDUAL, (("name", f"IVANOV, Ivan {number}"),), (), frozenset()
    )
    for number in range(100, 160)
)
INDEX = NameIndex([ESPERPENTO, BULLION, *COMMON_NAMES])


def find(name: str, threshold: int = 85, **facts: object) -> list[tuple[int, int, str]]:
    subject = ScreeningSubject((name,), **facts)  # type: ignore[arg-type]
    return [
        (hit.entry_number, hit.score, hit.matched_on) for hit in INDEX.find_hits(subject, threshold)
    ]


@pytest.mark.parametrize(
    ("name", "score", "matched"),
    [
        ("ESPERPENTO VILLANOVA, Dragomir Casimir", 100, "name"),
        ("casimir dragomir villanova esperpento", 100, "name"),
        ("Dragomir Casimir Esperpento-Villanova", 100, "name"),
        ("Dragomir Casimir Esperpemto Villanova", 97, "name"),
        ("Dragomir Casimir Esperpnto Villanova", 97, "name"),
        ("Dragomir Casimir Esperepnto Villanova", 97, "name"),
        ("Dragomir Casimir EsperpentoVillanova", 100, "name"),
        ("Drago Villanueva", 100, "aka"),
        ("The Alchemist", 95, "weak"),
    ],
)
def test_listed_name_in_another_form_is_a_hit(name: str, score: int, matched: str) -> None:
    assert find(name) == [(1, score, matched)]


@pytest.mark.parametrize("name", ["Shadow Bullion Trading LLC", "ShadowBullion Trading LLC"])
def test_joined_or_split_words_are_a_hit(name: str) -> None:
    assert find(name) == [(2, 100, "name")]


def test_missing_middle_name_is_a_hit_and_missing_family_name_is_not() -> None:
    [(number, score, _)] = find("Dragomir Esperpento Villanova")
    assert (number, score) == (1, 93)
    assert find("Dragomir Casimir") == []
    assert find("Dragomir Casimir Smith") == []


@pytest.mark.parametrize("name", ["", " ", "Xyz", "Grace Hopper", "Trading LLC", "王伟"])
def test_other_names_are_no_hits(name: str) -> None:
    assert find(name) == []


def test_birth_date_and_country_change_the_score() -> None:
    name = "Dragomir Esperpento Villanova"
    other = date(1990, 1, 1)
    for facts, score in (
        ({}, 93),
        ({"birth_date": DAY}, 98),
        ({"birth_date": date(1961, 1, 1)}, 93),
        ({"birth_date": other}, 82),
        ({"countries": frozenset({"MD", "US"})}, 95),
        ({"countries": frozenset({"US"})}, 88),
        ({"birth_date": DAY, "countries": frozenset({"MD"})}, 100),
        ({"birth_date": other, "countries": frozenset({"US"})}, 77),
        ({"party_type": PartyType.INDIVIDUAL}, 93),
        ({"party_type": PartyType.ENTITY}, 83),
    ):
        assert find(name, 50, **facts)[0][:2] == (1, score), facts


def test_exact_name_stays_a_hit_with_one_differing_fact_but_not_two() -> None:
    name, other = "Dragomir Casimir Esperpento Villanova", date(1990, 1, 1)
    assert find(name, birth_date=other) == [(1, 89, "name")]
    assert find(name, countries=frozenset({"US"})) == [(1, 95, "name")]
    assert find(name, birth_date=other, countries=frozenset({"US"})) == []


def test_matching_facts_can_raise_a_name_above_the_threshold() -> None:
    name = "Dragomir Esperpento Villanova"
    assert find(name, 96) == []
    assert find(name, 96, countries=frozenset({"MD"})) == []
    assert find(name, 96, birth_date=DAY) == [(1, 98, "name")]


def test_best_of_the_subjects_names_counts() -> None:
    subject = ScreeningSubject(("Grace Hopper", "Drago Villanueva", "The Alchemist"))
    [hit] = INDEX.find_hits(subject, 85)
    assert (hit.entry_number, hit.listed_name, hit.score) == (1, "VILLANUEVA, Drago", 100)


def test_birth_dates_countries_and_scores_are_compared() -> None:
    spans = [BirthDateSpan(date(1960, 1, 1), date(1960, 12, 31))]
    assert compare_birth_dates(None, spans) is Agreement.UNKNOWN
    assert compare_birth_dates(DAY, []) is Agreement.UNKNOWN
    assert compare_birth_dates(date(1960, 12, 31), spans) is Agreement.AGREES
    assert compare_birth_dates(date(1961, 12, 31), spans) is Agreement.NEAR
    assert compare_birth_dates(date(1962, 1, 1), spans) is Agreement.DIFFERS
    assert compare_countries([], ["MD"]) is Agreement.UNKNOWN
    assert compare_countries(["US"], ["MD"]) is Agreement.DIFFERS
    assert total_score(100, Agreement.AGREES, Agreement.AGREES) == 100
    assert (
        total_score(
            3, Agreement.DIFFERS, Agreement.DIFFERS, party_types_differ=True, is_weak_alias=True
        )
        == 0
    )
