"""Phone numbers, normalized or refused."""

import pytest

from app.kit import phones
from app.kit.errors import Invalid


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (None, None),
        ("+12025550123", "+12025550123"),
        ("+1 (202) 555-0123", "+12025550123"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_phone_is_stored_in_e164(text: str | None, stored: str | None) -> None:
    assert phones.normalize_phone(text) == stored


@pytest.mark.parametrize(
    ("text", "country", "stored"),
    [
        ("0712345678", "KE", "+254712345678"),
        ("0712 345 678", "KE", "+254712345678"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("+254712345678", "US", "+254712345678"),
        ("0712345678", "US", None),
        ("712", "KE", None),
        ("0712-FLOWER", "KE", None),
        ("hello", "KE", None),
    ],
)
def test_phone_without_a_country_code_is_read_as_dialled_in_the_country(
    text: str, country: str, stored: str | None
) -> None:
    assert phones.parse_phone(text, country=country) == stored


@pytest.mark.parametrize(
    "text", ["", "2025550123", "+1", "+999999999999999999", "+1 202 555 0123 ext. 5", "phone"]
)
def test_invalid_phone_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        phones.normalize_phone(text)
