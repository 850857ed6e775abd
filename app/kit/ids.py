"""Identifiers: UUIDv7 inside, a prefix and 26 base-32 characters outside.

`trd_01k9…` says what it names, sorts by the time it was made, and cannot be mistaken for an
identifier of another kind. The alphabet is Crockford's, as in the TypeID convention.
"""

from uuid import UUID

from uuid_utils.compat import uuid7

from app.kit.errors import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
# Ten bits a step: half as many steps as one character at a time.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_LENGTH = 26


def new() -> UUID:
    """A fresh identifier, greater than those made in earlier milliseconds."""
    return uuid7()


def encode(prefix: str, identifier: UUID) -> str:
    """The public form: `prefix_` and 26 characters."""
    number = identifier.int
    parts = [_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(parts)}"


def decode(prefix: str, text: str) -> UUID:
    """The identifier behind a public form.

    Raises `NotFound` for any text that `encode(prefix, …)` cannot have made: an id that no row
    can have is answered like one that no row happens to have.
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


def try_decode(prefix: str, text: str) -> UUID | None:
    """The identifier behind a text of somebody else's; None unless it is one of ours."""
    try:
        return decode(prefix, text)
    except NotFound:
        return None
