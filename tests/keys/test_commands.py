"""`flask keys`, and the drill of a lost key ring."""

import json
import stat
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from app.keys import backup
from app.keys.errors import BackupRefused, KeyRingUnavailable
from app.keys.models import KeyRotation
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit.errors import Invalid
from app.kit.ports import provide
from tests.rows import read_values

PASSPHRASE = "a passphrase kept in another place"
Run = Callable[..., Result]


@pytest.fixture
def run(lone_app: Flask, ring: FileKeyRing) -> Run:
    """`run("rotate", "--here", fails="...")`: run the command and assert its exit."""

    def run(*arguments: str, fails: str | None = None, passphrase: str = PASSPHRASE) -> Result:
        if "backup" in arguments[0]:
            arguments = (*arguments, "--passphrase-file", "-")
        result = lone_app.test_cli_runner().invoke(
            args=["keys", *arguments], input=f"{passphrase}\n"
        )
        assert result.exit_code == (fails is not None), result.output
        assert fails is None or fails in result.output
        return result

    return run


@pytest.fixture
def cheap_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make key derivation cheap in tests of other things."""
    monkeypatch.setattr(backup, "_COST", {"n": 2**10, "r": 8, "p": 1})


def test_key_is_generated_activated_and_retired(run, values, ring):
    values.add(5)
    first = ring.active_id()
    assert run("generate").output.endswith(" waits\n")
    waiting = ring.list_keys()[-1].id
    listed = run("list").output.splitlines()
    assert [line.split()[0] for line in listed[1:]] == [first, waiting]
    assert listed[1].split()[2:] == ["seals", "5"]
    assert listed[2].split()[2:] == ["waits", "0"]
    command_output = run("rotate", "--here").output
    assert command_output == f"{waiting} is the active key now\n5 values rewrapped\n"
    listed = run("list").output.splitlines()
    assert listed[1].split()[2:] == ["opens", "0"]
    assert listed[2].split()[2:] == ["seals", "5"]
    run("retire", first, fails="less than 1:00:00")
    run("retire", waiting, fails="less than")
    assert run("verify").output == "5 sealed values opened, none failed.\n"


def test_rotate_without_here_stages_jobs(run, values, ring, alone):
    values.add(1)
    assert "The workers are rewrapping the rest" in run("rotate").output
    with alone.reading() as session:
        [(task, args)] = session.rows("SELECT task, args FROM outbox WHERE done_at IS NULL")
        [rotation_id] = read_values(session, KeyRotation.id)
    assert (task, args) == ("keys.rewrap", {"rotation_id": str(rotation_id)})
    assert "is running: 0 values rewrapped so far" in run("list").output


def test_list_warns_about_an_old_active_key(run, ring):
    ring.active_id()
    assert "older than" not in run("list").output
    read = json.loads(ring.path.read_text())
    read["keys"][0]["activated_at"] = "2020-01-01T00:00:00+00:00"
    ring.path.write_text(json.dumps(read))
    assert "older than 365 days. Rotate it with `flask keys rotate`" in run("list").output


def test_verify_lists_lost_keys_and_unreadable_rows(run, values, ring):
    lost_ones = values.add(3)
    lost = ring.active_id()
    ring.activate(ring.generate().id)
    values.add(2)
    changed = values.add(1)[0]
    sealed = values.stored()[changed]
    values.put(changed, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    ring.retire(lost)
    command_output = run("verify", fails="Error: 4 of 6 sealed values cannot be opened").output
    for identifier in lost_ones:
        assert (
            f"addresses.details_sealed of {identifier} needs the lost key {lost}\n"
            in command_output
        )
    assert f"addresses.details_sealed of {changed} was altered or moved\n" in command_output
    assert f"The key {lost} is lost. It sealed 3 values\n" in command_output
    # The altered value is rewrapped like any other, because rotation opens no value.
    run("rotate", "--here", fails="3 values could not be")
    assert f"{lost:18}" in run("list").output


def test_lost_ring_is_restored_from_its_backup(run, values, ring, tmp_path, alone):
    """The disk with the ring is lost. The backup and its passphrase restore everything."""
    values.add(4)
    run("rotate", "--here")
    values.add(4)
    saved = tmp_path / "backup.json"
    assert run("export-backup", str(saved)).output == f"2 keys written to {saved}\n"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    for secret in json.loads(ring.path.read_text())["keys"]:
        assert secret["secret"] not in saved.read_text()
    key_id = ring.active_id()

    ring.path.unlink()
    # As in production, no new ring is created in place of the lost one.
    bare = FileKeyRing(ring.path, create=False)
    provide(KeyRing, bare)
    with pytest.raises(KeyRingUnavailable):
        values.all_open()
    run("generate", fails=f"Keys {key_id} of it sealed 8 values")
    run("verify", fails="There is no key ring")
    assert not ring.path.exists()

    run("import-backup", str(saved), passphrase="another passphrase", fails="passphrase is wrong")
    assert not ring.path.exists()
    command_output = run("import-backup", str(saved)).output
    assert command_output == f"The ring has 2 keys; {key_id} is the active key\n"
    assert stat.S_IMODE(ring.path.stat().st_mode) == 0o600
    assert run("verify").output == "8 sealed values opened, none failed.\n"
    assert values.all_open()
    values.add(1)
    run("rotate", "--here")
    assert values.all_open()


def test_import_restores_retired_keys_and_removes_none(
    run, values, ring, tmp_path, cheap_passphrase
):
    values.add(2)
    first = ring.active_id()
    old_rows = values.stored()
    run("export-backup", str(tmp_path / "backup.json"))
    run("rotate", "--here")
    second = ring.active_id()
    ring.retire(first)
    # An older database is restored, which needs the retired key.
    for identifier, sealed in old_rows.items():
        values.put(identifier, sealed)
    run("verify", fails="2 of 2")
    run("import-backup", str(tmp_path / "backup.json"))
    assert ring.active_id() == second
    assert {key.id for key in ring.list_keys() if not key.retired_at} == {first, second}
    assert values.all_open()


def test_backup_of_another_ring_is_refused(run, ring, tmp_path, cheap_passphrase):
    ring.active_id()
    run("export-backup", str(tmp_path / "backup.json"))
    ring.path.unlink()
    present = ring.active_id()
    run("import-backup", str(tmp_path / "backup.json"), fails="of another key ring")
    assert ring.active_id() == present


def test_existing_backup_file_is_not_overwritten(run, ring, tmp_path, cheap_passphrase):
    saved = tmp_path / "backup.json"
    run("export-backup", str(saved))
    text = saved.read_text()
    run("export-backup", str(saved), fails="exists already")
    assert saved.read_text() == text


def test_short_passphrase_is_refused(run, ring, tmp_path):
    run("export-backup", str(tmp_path / "b"), passphrase="15 characters..", fails="16 characters")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda read: read.update(made_at="2020-01-01T00:00:00.000Z"),
        lambda read: read.update(keys=[]),
        lambda read: read.update(sealed=read["sealed"][:-8] + "AAAAAAA="),
        lambda read: read.update(version=2),
        lambda read: read["scrypt"].update(n=2),
        lambda read: read.pop("sealed"),
        lambda read: read.update(more=1),
    ],
)
def test_altered_backup_is_refused(ring, change, cheap_passphrase):
    read = json.loads(backup.export_backup(ring.read_contents(), PASSPHRASE, b"s" * 16))
    change(read)
    with pytest.raises(BackupRefused):
        backup.read_backup(json.dumps(read), PASSPHRASE)


def test_backup_key_derivation_has_its_full_cost(ring):
    head = json.loads(backup.export_backup(ring.read_contents(), PASSPHRASE, b"s" * 16))["scrypt"]
    # OWASP's password storage guidance: 128 MiB.
    assert (head["n"], head["r"], head["p"]) == (2**17, 8, 1)
    with pytest.raises(Invalid):
        backup.export_backup(ring.read_contents(), "x" * 15, b"s" * 16)
