"""The exact hashed texts and their keys: today's trail must verify in ten years."""

import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.audit import rules as audit_rules
from app.audit.keys import AuditKey, audit_keys

SECRET = "a secret of 32 characters or more"


@pytest.mark.parametrize(
    "texts", [["a", None, ""], ['"', "\\", "\n", "é", "\N{SNOWMAN}", "\U0001f600", "\x7f"]]
)
def test_message_is_canonical_json_of_its_fields(texts: list[str | None]) -> None:
    expected = json.dumps(["pbcex audit record 1", *texts], separators=(",", ":"))
    assert audit_rules.record_message(texts) == expected.encode()


def test_different_rows_have_different_messages() -> None:
    rows = [("a", "b"), ("a,b",), ('a","b',), ("a", "b", None), (None, "a", "b"), ("a", "", "b")]
    assert len({audit_rules.record_message(row) for row in rows}) == len(rows)
    assert audit_rules.record_message(("a",)) != audit_rules.seal_message(("a",))


def test_hash_is_hmac_sha256_under_a_purpose_key() -> None:
    key = AuditKey.derive("a", SECRET.encode())
    made = {"records": key.mac_of_record(b"x"), "chain": key.mac_of_seal(b"x")}
    for purpose, mac in made.items():
        info = f"pbcex audit {purpose}".encode()
        derived = HKDF(SHA256(), 32, salt=None, info=info).derive(SECRET.encode())
        assert mac == hmac.digest(derived, b"x", "sha256")


def test_field_order_and_time_zone_do_not_change_the_message() -> None:
    assert (
        audit_rules.canonical_json({"b": 1, "a": {"d": 2, "c": 3}}) == '{"a":{"c":3,"d":2},"b":1}'
    )
    assert audit_rules.canonical_json(None) is None
    at = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    in_another_zone = at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert (
        audit_rules.format_instant(at)
        == audit_rules.format_instant(in_another_zone)
        == "2026-03-04T12:00:00.000000Z"
    )


@pytest.mark.parametrize(
    ("text", "stored"),
    [(None, None), ("", None), (" \n", None), (" a ", "a"), ("x" * 2000, "x" * 1000)],
)
def test_reason_is_stored_trimmed(text: str | None, stored: str | None) -> None:
    assert audit_rules.clean_text(text) == stored


def test_ring_signs_with_the_first_key_and_verifies_with_all() -> None:
    derived = audit_keys("", SECRET)
    name = derived.current.key_id
    ring = audit_keys(f"2027:{'n' * 32}, {name}:{SECRET}", "another secret, of no consequence")
    assert ring.current.key_id == "2027"
    assert ring.by_id[name].mac_of_record(b"x") == derived.current.mac_of_record(b"x")
    assert ring.by_id[name].public_key_hex == derived.current.public_key_hex
    assert SECRET not in repr(ring.current)


@pytest.mark.parametrize(
    ("configured", "problem"),
    [
        ("a:short", "the audit key a is shorter than 32 bytes"),
        (f"é:{SECRET}", "an audit key's id is 1 to 32 of A-Z a-z 0-9 _ -"),
        (f"a:{SECRET},a:{SECRET}", "two audit keys have the same id"),
    ],
)
def test_unusable_ring_raises(configured: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        audit_keys(configured, SECRET)
