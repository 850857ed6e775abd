import time

import pytest

from app.identity.accounts import rules as account_rules
from app.identity.credentials import rules as credential_rules
from app.identity.sign_in import rules as sign_in_rules
from app.kit.errors import Invalid


class TestEmailKey:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Ada@Example.com", "ada@example.COM"),
            ("ada@straße.example.com", "ada@xn--strae-oqa.example.com"),
            ("caf\u00e9@example.com", "cafe\u0301@example.com"),
            ("ÄDA@example.com", "äda@example.com"),
        ],
    )
    def test_spellings_of_one_email_address_have_one_key(self, one: str, other: str) -> None:
        assert account_rules.normalize_email(one) == account_rules.normalize_email(other)

    @pytest.mark.parametrize("email", ["customer@pbcex.local", "a@site.test", "a+b@example.com"])
    def test_accepts(self, email: str) -> None:
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
    def test_refuses(self, email: str) -> None:
        with pytest.raises(Invalid) as refusal:
            account_rules.normalize_email(email)
        assert refusal.value.field == "email"


class TestName:
    def test_name_is_trimmed_and_composed(self) -> None:
        assert account_rules.clean_name("firstName", "  Ame\u0301lie ") == "Am\u00e9lie"

    @pytest.mark.parametrize("text", ["", "   ", "a" * 101, "a\x00b", "a\nb", "a\ud800"])
    def test_refuses(self, text: str) -> None:
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
        "text", ["", "2025550123", "+1", "+999999999999999999", "+1 202 555 0123 ext. 5", "phone"]
    )
    def test_refuses(self, text: str) -> None:
        with pytest.raises(Invalid):
            account_rules.normalize_phone(text)


class TestNewPassword:
    @pytest.mark.parametrize(
        "password",
        [
            "correct horse",
            "demo-Passw0rd!",
            "correct horse battery staple " * 3,
            "".join(chr(33 + 7 * n % 94) for n in range(128)),
            "пароль-пароль",
            "🔑 three 🔒 locks",
        ],
    )
    def test_accepts(self, password: str) -> None:
        credential_rules.check_new_password(
            "password", password, guessable=["a@example.com", "Ada"]
        )

    @pytest.mark.parametrize(
        "password",
        [
            "",
            "abcdefghi",
            "p" * 129,
            "ADA@example.com",
            "ada lovelace",
            "nul\x00nul\x00nul",
            "\ud800" * 10,
            "abcdefghij",
            "p" * 128,
            "🔑" * 10,
            "Password123!",
            "qwertyuiop",
            "Lovelace1815",
            "ada.example",
        ],
    )
    def test_refuses(self, password: str) -> None:
        with pytest.raises(Invalid) as refusal:
            credential_rules.check_new_password(
                "password", password, guessable=["ada@example.com", "Ada Lovelace"]
            )
        assert refusal.value.field == "password"
        assert password == "" or password not in refusal.value.detail

    def test_weak_password_message_says_why_and_what_helps(self) -> None:
        with pytest.raises(Invalid) as refusal:
            credential_rules.check_new_password("password", "Password123!", guessable=[])
        assert refusal.value.message == (
            "Choose a password that is harder to guess."
            " This is similar to a commonly used password."
            " Add another word or two. Uncommon words are better."
            " Capitalization doesn't help very much."
        )

    def test_long_password_is_checked_fast(self) -> None:
        password = "".join(chr(33 + 7 * n % 94) for n in range(128))
        started = time.thread_time()
        credential_rules.check_new_password("password", password, guessable=["ada@example.com"])
        assert time.thread_time() - started < 1


def test_lockout_doubles_up_to_a_quarter_of_an_hour() -> None:
    assert [sign_in_rules.lockout_seconds(n, allowed=5) for n in range(4, 12)] == [
        0,
        60,
        120,
        240,
        480,
        900,
        900,
        900,
    ]
