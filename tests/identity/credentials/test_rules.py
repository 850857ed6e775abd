"""New passwords: their strength and their message of refusal."""

import time

import pytest

from app.identity.credentials import rules as credential_rules
from app.kit.errors import Invalid


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
def test_strong_password_is_accepted(password: str) -> None:
    credential_rules.check_new_password("password", password, guessable=["a@example.com", "Ada"])


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
def test_weak_or_malformed_password_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        credential_rules.check_new_password(
            "password", password, guessable=["ada@example.com", "Ada Lovelace"]
        )
    assert refusal.value.field == "password"
    assert password == "" or password not in refusal.value.detail


def test_weak_password_message_says_why_and_what_helps() -> None:
    with pytest.raises(Invalid) as refusal:
        credential_rules.check_new_password("password", "Password123!", guessable=[])
    assert refusal.value.message == (
        "Choose a password that is harder to guess."
        " This is similar to a commonly used password."
        " Add another word or two. Uncommon words are better."
        " Capitalization doesn't help very much."
    )


@pytest.mark.parametrize(
    "password",
    [
        "".join(chr(33 + 7 * n % 94) for n in range(128)),
        "4@8({[<369|1!/0$5+7%2z" * 3,
        "z2%7+5$0/!1|963<[{(8@4" * 3,
        "ed@dccg77hcef1f1|hje1j7gf@771de11i11gcj@7d4i1cf1",
        "5831959844068-1684/58788585-5640/266245-90523098",
    ],
)
def test_dear_password_is_estimated_in_a_tenth_of_a_second(password: str) -> None:
    """Symbols that may stand for several letters took two seconds, and ten senders the web."""
    started = time.thread_time()
    credential_rules.check_new_password("password", password, guessable=["ada@example.com"])
    assert time.thread_time() - started < 0.1
