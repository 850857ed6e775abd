"""Sealed values: AES-256-GCM under a data key of their own, wrapped by a ring key.

A sealed value is bound to its place in the database (its context): moved elsewhere, it does not
open. Its bytes are

    version (1) | ring key's id (8) | length of the wrapped key (2) | wrapped key | nonce (12) |
    ciphertext and tag

The context and the version authenticate the ciphertext, and with the ring key's id the wrapped key
too. So a value can be wrapped by another ring key without being opened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
KEY_BYTES = 32
KEY_ID_BYTES = 8
NONCE_BYTES = 12
_TAG_BYTES = 16
_HEAD_BYTES = 1 + KEY_ID_BYTES + 2

#: `wrap(data key, authenticated)` returns the id of the ring key that it used, and the wrapped key.
Wrap = Callable[[bytes, bytes], tuple[str, bytes]]
#: `unwrap(id of the ring key, wrapped key, authenticated)` returns the data key.
Unwrap = Callable[[str, bytes, bytes], bytes]


class DecryptionFailed(Exception):
    """The bytes were changed, belong to another place, or were never sealed."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The parts of a sealed value. `key_id` is hexadecimal."""

    key_id: str
    wrapped: bytes
    nonce: bytes
    ciphertext: bytes

    @classmethod
    def parse(cls, sealed: bytes) -> Self:
        """Return the parts of a sealed value. Raises `DecryptionFailed` for any other bytes."""
        if len(sealed) < _HEAD_BYTES or sealed[0] != VERSION:
            raise DecryptionFailed("not a sealed value of a known version")
        nonce_at = _HEAD_BYTES + int.from_bytes(sealed[_HEAD_BYTES - 2 : _HEAD_BYTES])
        ciphertext_at = nonce_at + NONCE_BYTES
        if len(sealed) < ciphertext_at + _TAG_BYTES:
            raise DecryptionFailed("a sealed value was cut off")
        return cls(
            sealed[1 : 1 + KEY_ID_BYTES].hex(),
            sealed[_HEAD_BYTES:nonce_at],
            sealed[nonce_at:ciphertext_at],
            sealed[ciphertext_at:],
        )

    def __bytes__(self) -> bytes:
        head = bytes([VERSION]) + bytes.fromhex(self.key_id) + len(self.wrapped).to_bytes(2)
        return head + self.wrapped + self.nonce + self.ciphertext


def seal(plaintext: bytes, context: bytes, wrap: Wrap) -> bytes:
    """Return `plaintext` sealed for the place that `context` names, under a new data key."""
    data_key = token_bytes(KEY_BYTES)
    nonce = token_bytes(NONCE_BYTES)
    ciphertext = AESGCM(data_key).encrypt(nonce, plaintext, _authenticated(context))
    key_id, wrapped = wrap(data_key, _authenticated(context))
    return bytes(Envelope(key_id, wrapped, nonce, ciphertext))


def open_sealed(sealed: bytes, context: bytes, unwrap: Unwrap) -> bytes:
    """Return the plaintext sealed for this place. Raises `DecryptionFailed`, and what `unwrap`
    raises."""
    envelope = Envelope.parse(sealed)
    data_key = unwrap(envelope.key_id, envelope.wrapped, _authenticated(context))
    return decrypt(data_key, envelope.nonce + envelope.ciphertext, _authenticated(context))


def rewrap(sealed: bytes, context: bytes, unwrap: Unwrap, wrap: Wrap) -> bytes:
    """Return the sealed value with its data key wrapped by `wrap`, without opening the value.

    Raises `DecryptionFailed`, and what `unwrap` raises.
    """
    envelope = Envelope.parse(sealed)
    data_key = unwrap(envelope.key_id, envelope.wrapped, _authenticated(context))
    key_id, wrapped = wrap(data_key, _authenticated(context))
    return bytes(Envelope(key_id, wrapped, envelope.nonce, envelope.ciphertext))


def encrypt(key: bytes, plaintext: bytes, authenticated: bytes) -> bytes:
    """Return the new nonce followed by the AES-256-GCM ciphertext."""
    nonce = token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, authenticated)


def decrypt(key: bytes, ciphertext: bytes, authenticated: bytes) -> bytes:
    """Return the plaintext given to `encrypt`. Raises `DecryptionFailed`."""
    if len(key) != KEY_BYTES or len(ciphertext) < NONCE_BYTES + _TAG_BYTES:
        raise DecryptionFailed("too short")
    nonce, rest = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, rest, authenticated)
    except InvalidTag:
        raise DecryptionFailed("it was changed, or belongs elsewhere") from None


def _authenticated(context: bytes) -> bytes:
    return bytes([VERSION]) + context
