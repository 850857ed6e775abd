import pytest

from app.config import Settings
from app.identity.credentials.passwords import PasswordHashing

CHEAP = PasswordHashing(memory_kib=64, passes=1, lanes=1)


def test_production_defaults_follow_owasp() -> None:
    fields = Settings.model_fields
    cost = [fields[f"argon2_{name}"].default for name in ("memory_kib", "passes", "lanes")]
    assert cost == [19_456, 2, 1]
    memory_kib, passes, lanes = cost
    stored = PasswordHashing(memory_kib=memory_kib, passes=passes, lanes=lanes).hash(
        "correct horse"
    )
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_only_the_right_password_matches_its_hash() -> None:
    stored = CHEAP.hash("correct horse")
    assert CHEAP.matches(stored, "correct horse")
    for wrong in ("Correct horse", "correct horse ", "", "correct horse\x00", "\ud800"):
        assert not CHEAP.matches(stored, wrong)


def test_each_hash_has_its_own_salt() -> None:
    assert CHEAP.hash("correct horse") != CHEAP.hash("correct horse")


@pytest.mark.parametrize("password", ["🔑" * 30, "p" * 128, "Пароль пароль", "a" * 64])
def test_every_character_of_long_and_non_ascii_passwords_counts(password: str) -> None:
    stored = CHEAP.hash(password)
    assert CHEAP.matches(stored, password)
    assert not CHEAP.matches(stored, password[:-1])


def test_unicode_equivalent_password_matches() -> None:
    assert CHEAP.matches(CHEAP.hash("caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301")


def test_missing_hash_matches_no_password() -> None:
    assert not CHEAP.matches(None, "correct horse")


def test_hash_of_another_cost_is_outdated() -> None:
    dearer = PasswordHashing(memory_kib=128, passes=1, lanes=1)
    stored = CHEAP.hash("correct horse")
    assert dearer.is_outdated(stored)
    assert not CHEAP.is_outdated(stored)
    assert dearer.matches(stored, "correct horse")


def test_missing_hash_costs_as_much_as_a_stored_one() -> None:
    assert not CHEAP.is_outdated(CHEAP._decoy_hash)
    assert len(CHEAP._decoy_hash) == len(CHEAP.hash("correct horse"))
