"""What a branch's code and name must be."""

import re
from unicodedata import normalize

from app.kit.errors import Invalid

_CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII)
_NAME_LENGTH_MAX = 100


def clean_code(text: str) -> str:
    """Return the code in capital letters. Raises `Invalid` for another form."""
    code = text.upper()
    if not _CODE.fullmatch(code):
        raise Invalid("code", "Enter a code (2 to 12 capital letters and digits), like NYC1.")
    return code


def clean_name(text: str) -> str:
    """Return the name without blanks around it.

    Raises `Invalid` unless it has 1 to 100 printable characters.
    """
    name = normalize("NFC", text).strip()
    if not 0 < len(name) <= _NAME_LENGTH_MAX or not name.isprintable():
        raise Invalid("name", f"Enter a name (1 to {_NAME_LENGTH_MAX} characters).")
    return name
