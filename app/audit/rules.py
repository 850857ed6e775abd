"""What exactly is hashed, and what may not be written down."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quoted

REASON_LENGTH_MAX = 1000
#: Before the first seal.
GENESIS = bytes(32)

_RECORD, _SEAL, _ANCHOR = "pbcex audit record 1", "pbcex audit seal 1", "pbcex audit anchor 1"
_SECRET_NAME = re.compile(r"password|secret|passphrase|_hash$|_token$|^token$", re.IGNORECASE)
# Texts that PostgreSQL or UTF-8 cannot hold: a form may send them all the same.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")

# ASCII only, no blanks, keys in order: one text for one value.
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
).encode


def canonical_json(state: Mapping[str, object] | None) -> str | None:
    """The one JSON text of `before` or `after`.

    Raises `ValueError` for a field that is named like a secret, and `TypeError` for what is no JSON
    and for fractions, which have no one text (amounts are strings).
    """
    if state is None:
        return None
    _check(state)
    return _encode(state)


def _check(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a fraction has no one text: write amounts as strings")
    if isinstance(value, Mapping):
        for name, below in value.items():
            if not isinstance(name, str) or _SECRET_NAME.search(name):
                raise ValueError(f"{name} is not for the audit trail")
            _check(below)
    elif isinstance(value, list | tuple):
        for below in value:
            _check(below)


def clean_text(text: str | None, length_max: int = REASON_LENGTH_MAX) -> str | None:
    """A text of a person as it can be kept; None for an empty one."""
    if text is None:
        return None
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text).strip()[:length_max] or None


def format_instant(at: datetime) -> str:
    """As hashed: UTC, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def record_message(fields: Sequence[str | None]) -> bytes:
    """What a record's keyed hash covers: every column but `mac` and `xid`, in the table's order."""
    return _row(_RECORD, fields)


def seal_message(fields: Sequence[str]) -> bytes:
    """What a seal's keyed hash covers: position, record, transaction, instant, key, then the
    record's keyed hash and the digest before it, both in hexadecimal."""
    return _row(_SEAL, fields)


def anchor_message(fields: Sequence[str]) -> bytes:
    """What the signature of an anchor covers: its other fields."""
    return _row(_ANCHOR, fields)


def _row(kind: str, fields: Sequence[str | None]) -> bytes:
    """A JSON array of texts, by the standard library's own quoting: a third of an encoder's time,
    which verifying a million records is made of."""
    quoted = ["null" if text is None else _quoted(text) for text in fields]
    return f"[{_quoted(kind)},{','.join(quoted)}]".encode()
