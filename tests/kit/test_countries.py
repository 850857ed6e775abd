"""The one set of countries, and what is said about a code that is none."""

import pytest

from app.kit import countries
from app.kit.errors import Invalid


def test_every_country_has_a_code_of_iso_3166_and_a_name() -> None:
    assert len(countries.COUNTRY_NAMES) == 249 + len({"XK"})
    assert {"US", "GB", "TW", "PS", "XK", "AX"} <= countries.COUNTRY_NAMES.keys()
    assert countries.country_name("CI") == "Côte d’Ivoire"
    assert countries.country_name("QQ") == "QQ"


@pytest.mark.parametrize("text", ["US", "us", " us "])
def test_code_is_taken_in_any_case(text: str) -> None:
    assert countries.parse_country("country", text) == "US"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("UK", "Enter GB for United Kingdom."),
        ("ZR", "Enter CD for Congo - Kinshasa."),
        ("CS", "CS is not a country today. Enter RS for Serbia or ME for Montenegro."),
        ("Germany", "Enter DE for Germany."),
        ("Deutschland", "Enter DE for Germany."),
        ("england", "Enter GB for United Kingdom."),
        ("USA", "Enter US for United States."),
        ("QQ", "Enter a country code of two letters, like US."),
        ("ZZ", "Enter a country code of two letters, like US."),
        ("EU", "Enter a country code of two letters, like US."),
        ("", "Enter a country code of two letters, like US."),
        ("١٢", "Enter a country code of two letters, like US."),
    ],
)
def test_what_is_no_country_is_refused_with_what_would_be_right(text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        countries.parse_country("country", text)
    assert (refused.value.field, refused.value.message) == ("country", message)


def test_dissolved_state_is_refused_with_those_of_today() -> None:
    with pytest.raises(Invalid, match=r"SU is not a country today. Enter RU for Russia, AM for"):
        countries.parse_country("country", "SU")
