"""Similarity of names by weighed words, with birth dates and countries."""

import gc
import weakref
from datetime import date

import pytest

from app.screening.matching.name_index import IndexedParty, NameIndex
from app.screening.rules import (
    Agreement,
    BirthDateSpan,
    PartyType,
    ScreeningRules,
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
    nationalities=frozenset({"MD"}),
    numbers=frozenset({"A0901234"}),
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
    rules = ScreeningRules(threshold=threshold, company_threshold=threshold)
    return [
        (hit.entry_number, hit.score, hit.matched_on) for hit in INDEX.find_hits(subject, rules)
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


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("Shadow Bullion Trading LLC", 100),
        ("ShadowBullion Trading LLC", 100),
        ("Shadow Bullion Trading Limited Liability Company", 100),
        ("Joint Stock Company Shadow Bullion Trading", 100),
        ("Shadow Bullion Trade GmbH", 99),
        ("Shadow Bullion", 87),
    ],
)
def test_company_is_a_hit_whatever_its_legal_form_and_common_words(name: str, score: int) -> None:
    assert find(name, 75) == [(2, score, "name")]


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("Dragomir Esperpento Villanova", 96),
        ("Dr. Dragomir Esperpento Villanova FNU", 96),
        ("Dragomir Casimir Esperpento Villanova Villanova", 99),
        ("Dragomir Casimir Esperpento-Smith", 91),
        ("Драгомир Казимир Эсперпенто", 89),
    ],
)
def test_titles_fillers_repeats_and_other_scripts_hide_nobody(name: str, score: int) -> None:
    assert find(name) == [(1, score, "name")]


def test_given_names_alone_are_no_hit() -> None:
    assert find("Dragomir Casimir") == []
    assert find("Dragomir Casimir Smith") == []


@pytest.mark.parametrize("name", ["", " ", "Xyz", "Grace Hopper", "Trading LLC", "王伟"])
def test_other_names_are_no_hits(name: str) -> None:
    assert find(name) == []


def test_birth_date_and_country_change_the_score() -> None:
    name = "Dragomir Esperpento Villanova"
    other = date(1990, 1, 1)
    for facts, score in (
        ({}, 96),
        ({"birth_date": DAY}, 100),
        ({"birth_date": date(1961, 1, 1)}, 96),
        ({"birth_date": other}, 85),
        ({"countries": frozenset({"MD", "US"})}, 98),
        ({"countries": frozenset({"US"})}, 91),
        ({"residences": frozenset({"MD"})}, 98),
        ({"birth_date": other, "countries": frozenset({"US"})}, 80),
        ({"party_type": PartyType.INDIVIDUAL}, 96),
        ({"party_type": PartyType.ENTITY}, 86),
    ):
        assert find(name, 50, **facts)[0][:2] == (1, score), facts


def test_residence_elsewhere_contradicts_nothing() -> None:
    name = "Dragomir Esperpento Villanova"
    assert find(name, residences=frozenset({"US"})) == find(name)


def test_another_nationality_counts_unless_the_birth_date_is_equal() -> None:
    name = "Dragomir Esperpento"
    assert find(name, countries=frozenset({"US"})) == []
    [(number, score, _)] = find(name, birth_date=DAY, countries=frozenset({"US"}))
    assert (number, score) == (1, 100)


def test_exact_name_stays_a_hit_with_one_differing_fact_but_not_two() -> None:
    name, other = "Dragomir Casimir Esperpento Villanova", date(1990, 1, 1)
    assert find(name, birth_date=other) == [(1, 89, "name")]
    assert find(name, countries=frozenset({"US"})) == [(1, 95, "name")]
    assert find(name, birth_date=other, countries=frozenset({"US"})) == []


def test_matching_facts_can_raise_a_name_above_the_threshold() -> None:
    name = "Dragomir Esperpento Villanova"
    assert find(name, 97) == []
    assert find(name, 97, countries=frozenset({"MD"})) == [(1, 98, "name")]
    assert find(name, 97, birth_date=DAY) == [(1, 100, "name")]


def test_listed_number_is_a_hit_under_any_name() -> None:
    assert find("Grace Hopper", numbers=("a 0901-234",)) == [(1, 100, "number")]
    assert find("Grace Hopper", numbers=("A0901235", "1234")) == []
    [(_, score, matched_on)] = find("Drago Villanueva", numbers=("A0901234",))
    assert (score, matched_on) == (100, "aka")


def test_best_of_the_subjects_names_counts() -> None:
    subject = ScreeningSubject(("Grace Hopper", "Drago Villanueva", "The Alchemist"))
    [hit] = INDEX.find_hits(subject, ScreeningRules())
    assert (hit.entry_number, hit.listed_name, hit.score) == (1, "VILLANUEVA, Drago", 100)


def test_birth_dates_countries_and_scores_are_compared() -> None:
    spans = [BirthDateSpan(date(1960, 1, 1), date(1960, 12, 31))]
    assert compare_birth_dates(None, spans) is Agreement.UNKNOWN
    assert compare_birth_dates(DAY, []) is Agreement.UNKNOWN
    assert compare_birth_dates(date(1960, 12, 31), spans) is Agreement.AGREES
    assert compare_birth_dates(DAY, [BirthDateSpan(DAY, DAY)]) is Agreement.EQUAL
    assert compare_birth_dates(date(1961, 12, 31), spans) is Agreement.NEAR
    assert compare_birth_dates(date(1962, 1, 1), spans) is Agreement.DIFFERS
    foreigner = ScreeningSubject((), countries=frozenset({"US"}))
    assert compare_countries(ScreeningSubject(()), ["MD"], ["MD"]) is Agreement.UNKNOWN
    assert compare_countries(foreigner, ["MD"], ["MD"]) is Agreement.DIFFERS
    # Born in a country, or living there, they may be a national of another.
    assert compare_countries(foreigner, ["MD"], []) is Agreement.UNKNOWN
    assert total_score(100, Agreement.AGREES, Agreement.AGREES) == 100
    assert (
        total_score(
            3, Agreement.DIFFERS, Agreement.DIFFERS, party_types_differ=True, is_weak_alias=True
        )
        == 0
    )


def test_word_is_itself_before_it_is_two_joined_words() -> None:
    # "Grupow" sounds like "grupo", which then left "W" over.
    party = IndexedParty(1, PartyType.ENTITY, (("name", "GRUPO W S.A."),), (), frozenset())
    subject = ScreeningSubject(("GRUPO W S.A.",), party_type=PartyType.ENTITY)
    [hit] = NameIndex([party]).find_hits(subject, ScreeningRules())
    assert hit.score == 100


def test_frozen_index_is_freed_when_it_is_no_longer_used() -> None:
    """The garbage collector passes over a frozen version of the list: nothing may need it."""
    index = NameIndex([ESPERPENTO, BULLION, *COMMON_NAMES])
    index.find_hits(ScreeningSubject(("Drago Villanueva",)), ScreeningRules())
    gc.freeze()
    former = weakref.ref(index)
    del index
    assert former() is None
