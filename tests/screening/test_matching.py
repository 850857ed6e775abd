"""What is alike: names by their words, weighed; birth dates and countries beside them."""

from datetime import date

import pytest

from app.screening.matching.engine import IndexedParty, NameIndex
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
#: So that words are common or rare.
CROWD = tuple(
    IndexedParty(
        number, PartyType.INDIVIDUAL, (("name", f"IVANOV, Ivan {number}"),), (), frozenset()
    )
    for number in range(100, 160)
)
INDEX = NameIndex([ESPERPENTO, BULLION, *CROWD])


def found(name: str, threshold: int = 85, **known: object) -> list[tuple[int, int, str]]:
    subject = ScreeningSubject((name,), **known)  # type: ignore[arg-type]
    return [
        (match.entry_number, match.score, match.matched_on)
        for match in INDEX.find_hits(subject, threshold)
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
def test_a_listed_name_in_another_form_is_found(name: str, score: int, matched: str) -> None:
    assert found(name) == [(1, score, matched)]


@pytest.mark.parametrize("name", ["Shadow Bullion Trading LLC", "ShadowBullion Trading LLC"])
def test_words_together_or_apart(name: str) -> None:
    assert found(name) == [(2, 100, "name")]


def test_a_middle_name_may_be_missing_but_not_the_family_name() -> None:
    [(number, score, _)] = found("Dragomir Esperpento Villanova")
    assert (number, score) == (1, 93)
    assert found("Dragomir Casimir") == []
    assert found("Dragomir Casimir Smith") == []


@pytest.mark.parametrize("name", ["", " ", "Xyz", "Grace Hopper", "Trading LLC", "王伟"])
def test_others_are_not_found(name: str) -> None:
    assert found(name) == []


def test_a_birth_date_and_a_country_raise_or_lower_the_score() -> None:
    name = "Dragomir Esperpento Villanova"
    other = date(1990, 1, 1)
    for known, score in (
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
        assert found(name, 50, **known)[0][:2] == (1, score), known


def test_one_differing_fact_does_not_hide_an_exact_name_and_two_do() -> None:
    name, other = "Dragomir Casimir Esperpento Villanova", date(1990, 1, 1)
    assert found(name, birth_date=other) == [(1, 89, "name")]
    assert found(name, countries=frozenset({"US"})) == [(1, 95, "name")]
    assert found(name, birth_date=other, countries=frozenset({"US"})) == []


def test_what_is_known_can_lift_a_name_over_the_threshold() -> None:
    name = "Dragomir Esperpento Villanova"
    assert found(name, 96) == []
    assert found(name, 96, countries=frozenset({"MD"})) == []
    assert found(name, 96, birth_date=DAY) == [(1, 98, "name")]


def test_every_name_of_the_subject_is_tried_and_the_best_counts() -> None:
    subject = ScreeningSubject(("Grace Hopper", "Drago Villanueva", "The Alchemist"))
    [match] = INDEX.find_hits(subject, 85)
    assert (match.entry_number, match.listed_name, match.score) == (1, "VILLANUEVA, Drago", 100)


def test_comparisons() -> None:
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
