"""Backups of a key ring: one file, sealed with a passphrase that is kept elsewhere.

The file is JSON whose `sealed` is the ring's JSON under AES-256-GCM; scrypt derives the key from
the passphrase. The ids of the keys are readable, so that the right backup can be found. Everything
readable is authenticated.
"""

import base64
import json
from dataclasses import replace
from typing import Any
from unicodedata import normalize

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from app.keys.errors import BackupRefused
from app.keys.ring import RingContents, StoredKey
from app.kit import clock, crypto
from app.kit.crypto import DecryptionFailed
from app.kit.errors import Invalid

FORMAT = "pbcex key ring backup"
VERSION = 1
PASSPHRASE_LENGTH_MIN = 16
#: Every guess at the passphrase costs 128 MiB and a few tenths of a second.
_COST = {"n": 2**17, "r": 8, "p": 1}
_SALT_BYTES = 16


def export_backup(contents: RingContents, passphrase: str, salt: bytes) -> str:
    """Return the sealed ring. Raises `Invalid` for a passphrase shorter than 16 characters."""
    if len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise Invalid(
            "passphrase", f"Enter a passphrase of at least {PASSPHRASE_LENGTH_MIN} characters."
        )
    head = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": clock.rfc3339(clock.now()),
        "keys": [key.id for key in contents.keys],
        "scrypt": {**_COST, "salt": base64.b64encode(salt).decode()},
    }
    sealed = crypto.encrypt(
        _derive_key(passphrase, salt), contents.to_json().encode(), _authenticated_head(head)
    )
    return json.dumps({**head, "sealed": base64.b64encode(sealed).decode()}, indent=2)


def read_backup(text: str, passphrase: str) -> RingContents:
    """Return the ring in a backup. Raises `BackupRefused`."""
    try:
        head: dict[str, Any] = json.loads(text)
        sealed = base64.b64decode(head.pop("sealed"), validate=True)
        cost = dict(head["scrypt"])
        salt = base64.b64decode(cost.pop("salt"), validate=True)
        if (head["format"], head["version"], cost) != (FORMAT, VERSION, _COST):
            raise BackupRefused("The backup has another format version.")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupRefused("The file is not a backup of a key ring.") from None
    try:
        return RingContents.from_json(
            crypto.decrypt(_derive_key(passphrase, salt), sealed, _authenticated_head(head))
        )
    except DecryptionFailed:
        raise BackupRefused("The passphrase is wrong, or the file was altered.") from None


def merge_backup(present: RingContents | None, backup: RingContents) -> RingContents:
    """Return the ring with the keys of both.

    Present keys stay as they are, the active key too; the backup restores the secret of a retired
    key. Raises `BackupRefused` unless both are the same ring at different times.
    """
    if present is None:
        return backup
    if present.index_key != backup.index_key:
        raise BackupRefused("The backup is of another key ring. Move the current file away first.")
    keys = {key.id: key for key in present.keys}
    for key in backup.keys:
        if key.id not in keys or keys[key.id].secret is None:
            keys[key.id] = key
    return replace(present, keys=tuple(sorted(keys.values(), key=_creation_order)))


def _creation_order(key: StoredKey) -> tuple[object, str]:
    return key.created_at, key.id


def _derive_key(passphrase: str, salt: bytes) -> bytes:
    typed = normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    return Scrypt(salt=salt, length=crypto.KEY_BYTES, **_COST).derive(typed)


def _authenticated_head(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
