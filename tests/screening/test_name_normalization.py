"""Normalisation of names, and facts in the remarks of the list."""

from datetime import date
from pathlib import Path

import pytest

from app.kit.countries import COUNTRY_NAMES
from app.screening.lists import sdn, sdn_remarks
from app.screening.lists.countries import country_code
from app.screening.lists.sdn_numbers import listed_numbers
from app.screening.matching.name_normalization import is_comparable, name_words, sorted_words
from app.screening.rules import BirthDateSpan


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PUTIN, Vladimir Vladimirovich", "putin vladimir vladimirovich"),
        ("Enrique Peña-Nieto", "enrique pena nieto"),
        ("INMOBILIARIA S.A. DE C.V.", "inmobiliaria sa de cv"),
        ("S.A.. de C..V", "sa de cv"),
        ("J.Smith", "j smith"),
        ("Müller & Söhne", "muller and sohne"),
        ("Łukasz Ørsted-Straße", "lukasz orsted strasse"),
        ("AL-QA'IDA", "al qaida"),
        ("O’Brien", "obrien"),
        ("  ,;- ", ""),
        ("王伟", "wang wei"),
        ("김정은", "gim jeong eun"),
        ("Александр Щукин", "aleksandr shchukin"),
        ("عبد الرحمن الشيخ", "bd al rhmn al shykh"),
    ],
)
def test_name_is_split_into_normalized_words(name: str, words: str) -> None:
    assert name_words(name) == tuple(words.split())


@pytest.mark.parametrize(
    "name",
    [
        "Enrique Peña-Nieto", "Łukasz Ørsted-Straße", "O’Brien", "Hawaiʻi", "AL-QA'IDA", "Ħal Ðorð",
        "İpek Işık", "Gal·la", "Müller & Söhne", "S.A. DE C.V. 7", "Nguyễn Thị", "Ａｄａ",
        "D’Ǻ – 1", "Иван Петров", "Ελένη", "王伟", "محمد", "김정은", "Bɨrd", "Ŧom", "\U0001d403an",
    ],
)  # fmt: skip
def test_names_are_comparable(name: str) -> None:
    assert is_comparable(name)


@pytest.mark.parametrize(
    "name",
    [
        "Dr\u0430gomir", "Drag\u03bfmir", "D\U0001f170n", "Dra\u200bgomir", "Dra\u00adgomir", "",
        "–", "Ada ①②٣",
    ],
)  # fmt: skip
def test_names_with_symbols_or_look_alike_letters_are_not_comparable(name: str) -> None:
    assert not is_comparable(name)


def test_sorted_words_ignore_the_order() -> None:
    assert sorted_words("PUTIN, Vladimir") == sorted_words("vladimir  putin") == "putin vladimir"


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("DOB 10 Dec 1948.", [("1948-12-10", "1948-12-10")]),
        ("POB Kyiv; DOB Feb 1960; x", [("1960-02-01", "1960-02-29")]),
        ("DOB 1946; DOB Jan 1951", [("1946-01-01", "1946-12-31"), ("1951-01-01", "1951-01-31")]),
        ("DOB 01 Jan 1953 to 31 Dec 1954", [("1953-01-01", "1954-12-31")]),
        ("DOB circa 1979-1982", [("1979-01-01", "1982-12-31")]),
        ("DOB 31 Feb 1960; DOB unknown", []),
        ("no date", []),
    ],
)  # fmt: skip
def test_birth_dates_become_spans(text: str, spans: list[tuple[str, str]]) -> None:
    expected = [
        BirthDateSpan(date.fromisoformat(first), date.fromisoformat(last)) for first, last in spans
    ]
    assert list(sdn_remarks.birth_date_spans(text)) == expected


def test_countries_are_read_from_remarks_and_addresses() -> None:
    text = "POB Leningrad, Russia; nationality Korea, North; Passport 1 (Germany); Linked To: X."
    assert sdn_remarks.party_countries(text, ["Region: Crimea", "", "Atlantis"]) == {
        "RU",
        "KP",
        "DE",
        "UA",
    }


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("DOB 14 Jun 1975; Passport A0901234 (Iran) expires 20 Oct 2020.", "A0901234"),
        ("National ID No. 4072000342; alt. R.F.C. GURR730821 (Mexico).", "4072000342 GURR730821"),
        ("US FEIN 36-3823186; Passport RL 1234567 (Lebanon) issued 2001.", "363823186 RL1234567"),
        ("Registration Number 4293; Government Gazette Number 01012017 (Russia).", ""),
        ("Telephone: (971) (4) (3248000); Linked To: COMPANY 123456.", "97143248000"),
    ],
)
def test_numbers_are_read_from_remarks(text: str, numbers: str) -> None:
    assert listed_numbers(text) == set(numbers.split())


def test_weak_aliases_and_wallets_are_read_from_remarks() -> None:
    text = (
        "a.k.a. 'EL CHAPO'; Digital Currency Address - XBT 1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V; alt."
        " Digital Currency Address - ETH 0x67d40EE1A85bf4a4Bb7Ffae16De985e8427B6b45; a.k.a. 'D'."
    )
    assert sdn_remarks.weak_aliases(text) == ("EL CHAPO", "D")
    assert sdn_remarks.wallet_addresses(text) == (
        ("XBT", "1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V"),
        ("ETH", "0x67d40EE1A85bf4a4Bb7Ffae16De985e8427B6b45"),
    )


def test_wallet_key_keeps_case_where_the_format_needs_it() -> None:
    ether = "0x67d40EE1A85bf4a4Bb7Ffae16De985e8427B6b45"
    assert sdn_remarks.wallet_key(f" {ether.upper().replace('X', 'x', 1)} ") == ether.lower()
    assert sdn_remarks.wallet_key("BC1QE95L") == "bc1qe95l"
    bitcoin = "1AjZPMsnmpdK2Rv9KQNfMurTXinscVro9V"
    assert sdn_remarks.wallet_key(bitcoin) != sdn_remarks.wallet_key(bitcoin.lower())


def test_every_country_of_the_real_list_has_a_code(shared_data: Path) -> None:
    files = sdn.read_files(shared_data / "ofac")
    named = {country for entry in files.entries for _, _, country, _ in entry.addresses}
    assert {country for country in named if country_code(country) is None} == {"", "undetermined"}
    assert all(
        len(code) == 2 and country_code(name) == code for code, name in COUNTRY_NAMES.items()
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Korea, North", "KP"),
        ("The Gambia", "GM"),
        ("Bahamas, The", "BS"),
        ("Saint Kitts and Nevis", "KN"),
        ("Curacao", "CW"),
        ("Côte d’Ivoire", "CI"),
        ("USSR", "RU"),
        ("Atlantis", None),
    ],
)
def test_country_is_known_by_the_names_that_lists_use(name: str, code: str | None) -> None:
    assert country_code(name) == code
