"""The key ring's file is private, replaced atomically, and shared by several processes."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_bytes

import pytest

from app.keys.errors import KeyInUse, KeyLost, KeyRingUnavailable
from app.keys.ring import FileKeyRing
from app.kit.crypto import DecryptionFailed


@pytest.fixture
def ring(tmp_path: Path) -> FileKeyRing:
    return FileKeyRing(tmp_path / "ring" / "keys.json", create=True)


def reopen(ring: FileKeyRing) -> FileKeyRing:
    """Return the ring as another process opens it."""
    return FileKeyRing(ring.path, create=False)


def test_missing_file_is_created_with_mode_0600(ring):
    assert not ring.path.exists()
    key_id, wrapped = ring.wrap(b"k" * 32, b"here")
    assert stat.S_IMODE(ring.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ring.path.parent.stat().st_mode) == 0o700
    assert reopen(ring).unwrap(key_id, wrapped, b"here") == b"k" * 32
    assert sorted(p.name for p in ring.path.parent.iterdir()) == ["keys.json", "keys.lock"]


def test_missing_ring_is_not_created_in_production(ring):
    with pytest.raises(KeyRingUnavailable, match="Import a backup"):
        reopen(ring).wrap(b"k" * 32, b"here")
    assert not ring.path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666])
def test_file_readable_by_others_is_refused(ring, mode):
    ring.active_id()
    ring.path.chmod(mode)
    with pytest.raises(KeyRingUnavailable, match="Set its mode to 600"):
        reopen(ring).active_id()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", "null", '{"version": 2}', '{"version": 1, "keys": []}', "\0" * 100],
)
def test_malformed_file_is_refused_and_left_unchanged(ring, text):
    ring.active_id()
    ring.path.write_text(text)
    for verb in (ring.active_id, ring.generate, ring.list_keys, lambda: ring.mac(b"")):
        with pytest.raises(KeyRingUnavailable):
            verb()
    assert ring.path.read_text() == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "12"),
        ("id", "zz" * 8),
        ("secret", "AAAA"),
        ("secret", "not base64"),
        ("secret", None),
        ("created_at", "yesterday"),
        ("retired_at", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_invalid_key_is_refused(ring, name, value):
    ring.active_id()
    read = json.loads(ring.path.read_text())
    read["keys"][0][name] = value
    ring.path.write_text(json.dumps(read))
    with pytest.raises(KeyRingUnavailable):
        ring.active_id()


def test_new_key_does_not_wrap_until_activated(ring):
    first = ring.active_id()
    second = ring.generate()
    assert second.state == "waits"
    assert ring.active_id() == first
    key_id, wrapped = ring.wrap(b"k" * 32, b"here")
    ring.activate(second.id)
    assert (ring.active_id(), ring.wrap(b"k" * 32, b"here")[0]) == (second.id, second.id)
    assert ring.unwrap(key_id, wrapped, b"here") == b"k" * 32


def test_change_is_seen_by_earlier_readers(ring):
    other = reopen(ring)
    first = ring.active_id()
    assert other.active_id() == first
    other.activate(other.generate().id)
    assert ring.active_id() != first


def test_retired_key_loses_its_secret_and_stays_listed(ring):
    first = ring.active_id()
    with pytest.raises(KeyInUse):
        ring.retire(first)
    key_id, wrapped = ring.wrap(b"k" * 32, b"here")
    secret = json.loads(ring.path.read_text())["keys"][0]["secret"]
    ring.activate(ring.generate().id)
    ring.retire(first)
    assert secret not in ring.path.read_text()
    assert [bool(key.retired_at) for key in ring.list_keys()] == [True, False]
    for verb in (lambda: ring.unwrap(key_id, wrapped, b"here"), lambda: ring.activate(first)):
        with pytest.raises(KeyLost) as lost:
            verb()
        assert lost.value.key_id == first


def test_wrapped_key_is_bound_to_its_context(ring):
    key_id, wrapped = ring.wrap(b"k" * 32, b"here")
    with pytest.raises(DecryptionFailed):
        ring.unwrap(key_id, wrapped, b"there")


def test_macs_survive_rotation_and_differ_by_message(ring):
    mac = ring.mac(b"a")
    ring.activate(ring.generate().id)
    assert ring.mac(b"a") == mac == reopen(ring).mac(b"a")
    assert ring.mac(b"b") != mac


def test_concurrent_writers_lose_no_key(ring):
    rings = [FileKeyRing(ring.path, create=True) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        generated = list(pool.map(lambda ring_copy: ring_copy.generate().id, rings * 4))
    assert len(set(generated)) == 32
    assert {key.id for key in ring.list_keys()} == set(generated)


def test_readers_never_see_an_incomplete_file(ring):
    ring.active_id()
    with ThreadPoolExecutor(4) as pool:
        readers = [
            pool.submit(lambda: [reopen(ring).wrap(token_bytes(32), b"") for _ in range(100)])
            for _ in range(3)
        ]
        for _ in range(20):
            ring.activate(ring.generate().id)
        assert all(reader.result() for reader in readers)


def test_repr_contains_no_secret(ring):
    secret = (
        json.loads(reopen(ring).path.read_text())["keys"][0]["secret"] if ring.active_id() else ""
    )
    assert secret not in repr(ring.read_contents())
    assert "index_key" not in repr(ring.read_contents())
