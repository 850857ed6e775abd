"""Seal and open values, and compute blind indexes."""

from hashlib import sha256
from uuid import UUID

from app.keys.ports import KeyRing
from app.keys.registry import sealed_column
from app.kit import crypto
from app.kit.ports import resolve


def seal(plaintext: str | bytes, *, table: str, column: str, key: UUID | str) -> bytes:
    """Return `plaintext` sealed for this column of the row whose primary key is `key`.

    Raises `LookupError` unless the column is declared as `keys.registry.Sealed`, and
    `KeyRingUnavailable`.
    """
    raw = plaintext.encode() if isinstance(plaintext, str) else plaintext
    return crypto.seal(raw, binding_context(table, column, key), resolve(KeyRing).wrap)


def open_sealed(sealed: bytes, *, table: str, column: str, key: UUID | str) -> bytes:
    """Return the plaintext that was sealed for this column of this row.

    Raises `crypto.DecryptionFailed` if the bytes were altered or belong elsewhere, `KeyLost` naming
    the missing key, and `KeyRingUnavailable`.
    """
    return crypto.open_sealed(sealed, binding_context(table, column, key), resolve(KeyRing).unwrap)


def blind_index(value: str, *, table: str, column: str) -> bytes:
    """Return the 32 bytes by which an exact `value` is found without storing it.

    They are the same for the same text in the same column, and differ in every other column.
    Normalise the value before.
    """
    label = f"index:{table}:{column}".encode()
    return resolve(KeyRing).mac(label + b"\0" + sha256(value.encode()).digest())


def binding_context(table: str, column: str, key: UUID | str) -> bytes:
    sealed_column(table, column)
    return f"{table}:{column}:{key}".encode()
