"""Identifiers: UUIDv7 inside, a prefix and 26 base-32 characters outside.

`trd_01k9…` names its kind, sorts by creation time, and cannot be mistaken for an identifier of
another kind. The alphabet is Crockford's, as in the TypeID convention.
"""

from datetime import datetime
from typing import NewType
from uuid import UUID

from uuid_utils.compat import uuid7

from app.kit.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
# Ten bits at a time take half as many steps as one character at a time.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_LENGTH = 26
_ahead = 0

#: `trd_01k9…`: an identifier as everything outside the database sees it.
PublicId = NewType("PublicId", str)


def new() -> UUID:
    """Return a new identifier, greater than those of earlier milliseconds of our clock."""
    identifier = uuid7()
    return UUID(int=identifier.int + (_ahead << 80)) if _ahead else identifier


def run_ahead(milliseconds: int) -> None:
    """Create identifiers as this process's clock says (clock.py): so far ahead of the machine's."""
    global _ahead  # noqa: PLW0603 - all threads of this process count one time
    _ahead = milliseconds


def first_at(instant: datetime) -> UUID:
    """Return the smallest identifier of this millisecond, to find what was created since."""
    milliseconds = int(instant.timestamp() * 1000)
    return UUID(int=max(0, milliseconds) << 80)


def encode(prefix: str, identifier: UUID) -> PublicId:
    """Return the public form: `prefix_` and 26 characters."""
    number = identifier.int
    parts = [_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)]
    return PublicId(f"{prefix}_{''.join(parts)}")


def decode(prefix: str, text: str) -> UUID:
    """Return the identifier in a public form.

    Raises `NotFound` for any other text, so that a malformed id looks like one that does not exist.
    """
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != _LENGTH or tail[0] > "7":
        raise NotFound
    number = 0
    for character in tail:
        value = _VALUES.get(character)
        if value is None:
            raise NotFound
        number = (number << 5) | value
    return UUID(int=number)


def prefix_of(text: str) -> str | None:
    """Return the prefix of a public form; None for any other text."""
    prefix, _, tail = text.partition("_")
    is_prefix = prefix.isascii() and prefix.isalpha() and prefix.islower()
    return prefix if tail and is_prefix and try_decode(prefix, text) is not None else None


def try_decode(prefix: str, text: str) -> UUID | None:
    """Return the identifier in a provider's text, or None if the text is not a public form."""
    try:
        return decode(prefix, text)
    except NotFound:
        return None
