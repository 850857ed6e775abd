"""Outcomes, the exact texts that are hashed, and the contents that a record must not have."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quoted

from app.kit.labels import Mark, StatusEnum

REASON_LENGTH_MAX = 1000


class AuditOutcome(StatusEnum):
    """Whether an act was done, or was denied."""

    DONE = "done", "Done", Mark.DONE
    DENIED = "denied", "Denied", Mark.FAILED


class Difference(StatusEnum):
    """How a field of a record compares before and after the act. Not stored."""

    CHANGED = "changed", "Changed", Mark.CHANGED
    SAME = "same", "Same", Mark.SAME


class SealState(StatusEnum):
    """Whether a record has its place in the chain. Not stored."""

    SEALED = "sealed", "Sealed", Mark.DONE
    UNSEALED = "unsealed", "Not sealed yet", Mark.WAITING


#: The digest before the first seal.
GENESIS = bytes(32)

_RECORD, _SEAL, _ANCHOR = "pbcex audit record 1", "pbcex audit seal 1", "pbcex audit anchor 1"
_SECRET_NAME = re.compile(r"password|secret|passphrase|_hash$|_token$|^token$", re.IGNORECASE)
# Characters that PostgreSQL or UTF-8 cannot hold. A form may still send them.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")

# ASCII only, no blanks, sorted keys: one text for each value.
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
).encode


def canonical_json(state: Mapping[str, object] | None) -> str | None:
    """Return the canonical JSON text of `before` or `after`.

    Raises `ValueError` for a field named like a secret, and `TypeError` for values that are not
    JSON and for floats, which have no canonical text (amounts are strings).
    """
    if state is None:
        return None
    _check(state)
    return _encode(state)


def _check(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no canonical text: write amounts as strings")
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, str) or _SECRET_NAME.search(name):
                raise ValueError(f"{name} must not be in the audit trail")
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)


def clean_text(text: str | None, length_max: int = REASON_LENGTH_MAX) -> str | None:
    """Return a person's text with unstorable characters replaced; None for an empty text."""
    if text is None:
        return None
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text).strip()[:length_max] or None


def format_instant(at: datetime) -> str:
    """Return the instant as it is hashed: UTC, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def record_message(fields: Sequence[str | None]) -> bytes:
    """Return what a record's keyed hash covers: all columns but `mac` and `xid`, in table order."""
    return _row(_RECORD, fields)


def seal_message(fields: Sequence[str]) -> bytes:
    """Return what a seal's keyed hash covers: position, record, transaction, instant, key, then the
    record's keyed hash and the previous digest, both in hexadecimal."""
    return _row(_SEAL, fields)


def anchor_message(fields: Sequence[str]) -> bytes:
    """Return what the signature of an anchor covers: its other fields."""
    return _row(_ANCHOR, fields)


def _row(kind: str, fields: Sequence[str | None]) -> bytes:
    """Return a JSON array of texts. Quoting by the standard library's function takes a third of an
    encoder's time, which dominates verifying a million records."""
    quoted = ["null" if text is None else _quoted(text) for text in fields]
    return f"[{_quoted(kind)},{','.join(quoted)}]".encode()
