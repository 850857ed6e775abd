"""`flask keys`: the key ring that seals personal data, its rotation and its backups."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes
from typing import TextIO
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.keys import backup, rotation
from app.keys import queries as keys_queries
from app.keys.errors import KeyRingUnavailable
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing, RingContents, write_private_file
from app.kit import clock
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.errors import Refusal
from app.kit.formatting import format_number_of
from app.kit.ports import resolve

_SALT_BYTES = 16

keys = AppGroup("keys", help="The key ring that seals personal data.")

passphrase = click.option(
    "--passphrase-file",
    type=click.File("r", encoding="utf-8"),
    help="Read the passphrase from the first line of this file (- for standard input).",
)


@contextmanager
def _refusals_as_errors() -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal


@contextmanager
def _transaction(begin: str = "BEGIN") -> Iterator[Session]:
    database: Database = current_app.extensions["database"]
    with _refusals_as_errors(), database.transaction(begin) as session:
        yield session


@keys.command()
def generate() -> None:
    """Add a key that `rotate` will make the active one; the first key of a ring is active at once.

    If several machines share the ring: generate, copy the file to all of them, and then rotate.
    """
    ring = resolve(KeyRing)
    with _refusals_as_errors():
        if not _has_ring():
            _refuse_if_values_need_lost_keys()
        key = ring.generate()
    with _transaction() as session:
        audit.record(session, actor=None, action=AuditAction.KEY_GENERATED, subject=f"key {key.id}")
    click.echo(f"{key.id} {key.state}")


@keys.command("list")
def list_keys() -> None:
    """List every key with its creation time, its state and how many sealed values need it."""
    days = current_app.extensions["settings"].key_rotation_days
    with _transaction(SNAPSHOT) as session:
        ring_keys = resolve(KeyRing).list_keys()
        needed = keys_queries.count_values_by_key(session)
        last = keys_queries.latest_rotation(session)
    click.echo(f"{'key':18}{'made':26}{'state':10}{'values':>10}")
    for key in ring_keys:
        made = clock.rfc3339(key.created_at)
        click.echo(f"{key.id:18}{made:26}{key.state:10}{needed.pop(key.id, 0):>10}")
    for key_id, count in sorted(needed.items()):
        click.echo(f"{key_id:18}{'':26}{'lost':10}{count:>10}")
    if last and last.finished_at is None:
        click.echo(
            f"A rotation to {last.key_id} is running:"
            f" {format_number_of(last.rewrapped, 'value')} rewrapped so far"
        )
    if any(
        k.active and rotation.is_rotation_due(k.activated_at, clock.now(), days) for k in ring_keys
    ):
        click.echo(
            f"The active key is older than {format_number_of(days, 'day')}."
            " Rotate it with `flask keys rotate`.",
            err=True,
        )


@keys.command()
@click.option("--here", is_flag=True, help="Rewrap everything in this process, not in jobs.")
def rotate(*, here: bool) -> None:
    """Make a new key the active one, and rewrap all sealed values by it.

    An unfinished rotation continues. Old keys open what they sealed until it is done.
    """
    with _transaction() as session:
        rotation_id = rotation.begin_rotation(session)
        sealing = {"sealing": resolve(KeyRing).active_id()}
        audit.record(
            session, actor=None, action=AuditAction.KEYS_ROTATED, subject="key-ring", after=sealing
        )
    if here:
        _rewrap_all(rotation_id)
    with _transaction() as session:
        last = keys_queries.latest_rotation(session)
    assert last is not None
    click.echo(f"{last.key_id} is the active key now")
    if last.finished_at is None:
        click.echo("The workers are rewrapping the rest: `flask keys list` shows the progress")
    else:
        click.echo(f"{format_number_of(last.rewrapped, 'value')} rewrapped")
    if last.unreadable:
        raise click.ClickException(
            f"{format_number_of(last.unreadable, 'value')} could not be rewrapped."
            " To list what does not open, run `flask keys verify`."
        )


@keys.command()
@click.argument("key_id")
def retire(key_id: str) -> None:
    """Delete the secret of KEY_ID for good, if no value needs it. Backups still have it."""
    with _transaction() as session:
        rotation.retire_key(session, key_id)
    click.echo(f"{key_id} is retired")


@keys.command()
def verify() -> None:
    """Open every sealed value. List those that do not open and the lost keys, with exit code 1."""
    lost: dict[str, int] = {}
    changed = 0
    with _transaction(SNAPSHOT) as session:
        found = list(keys_queries.find_unreadable_values(session))
        total = keys_queries.count_values_by_key(session).total()
    for unreadable in found:
        click.echo(str(unreadable), err=True)
        if unreadable.lost_key is None:
            changed += 1
        else:
            lost[unreadable.lost_key] = lost.get(unreadable.lost_key, 0) + 1
    for key_id, count in sorted(lost.items()):
        click.echo(
            f"The key {key_id} is lost. It sealed {format_number_of(count, 'value')}", err=True
        )
    if lost or changed:
        raise click.ClickException(
            f"{changed + sum(lost.values())} of {format_number_of(total, 'sealed value')} cannot be"
            " opened"
        )
    click.echo(f"{format_number_of(total, 'sealed value')} opened, none failed.")


@keys.command("export-backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@passphrase
def export_backup(file: Path, passphrase_file: TextIO | None) -> None:
    """Write the ring to FILE, sealed with a passphrase. Keep FILE and passphrase in two places."""
    if file.exists():
        raise click.ClickException(f"{file} exists already. Choose another file.")
    ring = _file_ring()
    with _refusals_as_errors():
        sealed = backup.export_backup(
            ring.read_contents(),
            _passphrase(passphrase_file, confirm=True),
            token_bytes(_SALT_BYTES),
        )
        write_private_file(file.absolute(), sealed)
    click.echo(f"{format_number_of(len(ring.list_keys()), 'key')} written to {file}")


@keys.command("import-backup")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@passphrase
def import_backup(file: TextIO, passphrase_file: TextIO | None) -> None:
    """Restore the keys in FILE that the ring does not have, or the whole ring if there is none."""
    ring = _file_ring()
    with _refusals_as_errors():
        restored = backup.read_backup(file.read(), _passphrase(passphrase_file, confirm=False))

        def merged(present: RingContents | None) -> RingContents:
            return backup.merge_backup(present, restored)

        contents = ring.update_contents(merged)
    with _transaction() as session:
        audit.record(
            session, actor=None, action=AuditAction.KEY_IMPORTED, subject=f"key {contents.active}"
        )
    click.echo(
        f"The ring has {format_number_of(len(contents.keys), 'key')};"
        f" {contents.active} is the active key"
    )


def _passphrase(file: TextIO | None, *, confirm: bool) -> str:
    if file is not None:
        return str(file.readline()).rstrip("\r\n")
    typed: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm)
    return typed


def _file_ring() -> FileKeyRing:
    ring = resolve(KeyRing)
    if not isinstance(ring, FileKeyRing):
        raise click.ClickException("This key ring is not a file. Back it up where it is kept.")
    return ring


def _has_ring() -> bool:
    ring = resolve(KeyRing)
    return not isinstance(ring, FileKeyRing) or ring.path.exists()


def _refuse_if_values_need_lost_keys() -> None:
    """Raise `KeyRingUnavailable` if sealed values need a ring that is lost.

    A new ring in its place would hide the loss.
    """
    with _transaction() as session:
        needed = keys_queries.count_values_by_key(session)
    if needed:
        raise KeyRingUnavailable(
            f"The key ring is missing. Keys {', '.join(sorted(needed))} of it sealed"
            f" {format_number_of(needed.total(), 'value')}. Import its backup."
        )


def _rewrap_all(rotation_id: UUID) -> None:
    more = True
    while more:
        with _transaction() as session:
            more = rotation.rewrap_batch(session, rotation_id)
