"""Email addresses, normalized or refused."""

import pytest

from app.identity.accounts import rules as account_rules
from app.kit.errors import Invalid


@pytest.mark.parametrize(
    ("email", "spelling"),
    [
        ("Ada@Example.com", "ada@example.COM"),
        ("ada@straße.example.com", "ada@xn--strae-oqa.example.com"),
        ("caf\u00e9@example.com", "cafe\u0301@example.com"),
        ("ÄDA@example.com", "äda@example.com"),
    ],
)
def test_spellings_of_one_email_address_have_the_same_key(email: str, spelling: str) -> None:
    assert account_rules.normalize_email(email) == account_rules.normalize_email(spelling)


@pytest.mark.parametrize(
    ("email", "other"),
    [
        ("straße@example.com", "strasse@example.com"),
        ("ada@straße.example.com", "ada@strasse.example.com"),
        ("oﬃce@example.com", "office@example.com"),
        ("ſam@example.com", "sam@example.com"),
    ],
)
def test_addresses_of_two_mailboxes_have_two_keys(email: str, other: str) -> None:
    assert account_rules.normalize_email(email) != account_rules.normalize_email(other)


@pytest.mark.parametrize("email", ["customer@pbcex.local", "a@site.test", "a+b@example.com"])
def test_normalized_email_address_is_unchanged(email: str) -> None:
    assert account_rules.normalize_email(email) == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@",
        "@example.com",
        "a@b",
        "a b@example.com",
        " a@example.com",
        "a@example.com\n",
        "a@example.com\x00",
        "a@example.com,b@example.com",
        "Ada <a@example.com>",
        "a@[127.0.0.1]",
        "a@localhost",
        "\ud800@example.com",
        "a@\ud800.com",
        "a" * 250 + "@example.com",
    ],
)
def test_invalid_email_address_is_refused(email: str) -> None:
    with pytest.raises(Invalid) as refusal:
        account_rules.normalize_email(email)
    assert refusal.value.field == "email"
