"""Email addresses, names and phone numbers, normalized or refused."""

import pytest

from app.identity.accounts import rules as account_rules
from app.kit.errors import Invalid


class TestEmailKey:
    @pytest.mark.parametrize(
        ("email", "spelling"),
        [
            ("Ada@Example.com", "ada@example.COM"),
            ("ada@straße.example.com", "ada@xn--strae-oqa.example.com"),
            ("caf\u00e9@example.com", "cafe\u0301@example.com"),
            ("ÄDA@example.com", "äda@example.com"),
        ],
    )
    def test_spellings_of_one_email_address_have_the_same_key(
        self, email: str, spelling: str
    ) -> None:
        assert account_rules.normalize_email(email) == account_rules.normalize_email(spelling)

    @pytest.mark.parametrize("email", ["customer@pbcex.local", "a@site.test", "a+b@example.com"])
    def test_normalized_email_address_is_unchanged(self, email: str) -> None:
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
    def test_invalid_email_address_is_refused(self, email: str) -> None:
        with pytest.raises(Invalid) as refusal:
            account_rules.normalize_email(email)
        assert refusal.value.field == "email"


class TestName:
    def test_name_is_trimmed_and_composed(self) -> None:
        assert account_rules.clean_name("firstName", "  Ame\u0301lie ") == "Am\u00e9lie"

    @pytest.mark.parametrize("text", ["", "   ", "a" * 101, "a\x00b", "a\nb", "a\ud800"])
    def test_invalid_name_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            account_rules.clean_name("firstName", text)


class TestPhone:
    @pytest.mark.parametrize(
        ("text", "stored"),
        [
            (None, None),
            ("+12025550123", "+12025550123"),
            ("+1 (202) 555-0123", "+12025550123"),
            ("+44 20 7946 0958", "+442079460958"),
        ],
    )
    def test_phone_is_stored_in_e164(self, text: str | None, stored: str | None) -> None:
        assert account_rules.normalize_phone(text) == stored

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
        self, text: str, country: str, stored: str | None
    ) -> None:
        assert account_rules.parse_phone(text, country=country) == stored

    @pytest.mark.parametrize(
        "text", ["", "2025550123", "+1", "+999999999999999999", "+1 202 555 0123 ext. 5", "phone"]
    )
    def test_invalid_phone_number_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            account_rules.normalize_phone(text)
