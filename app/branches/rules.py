"""Head office, and what a branch's code and name must be."""

import re
from uuid import UUID

from app.kit import names
from app.kit.errors import Invalid

#: The branch of the first legal entity that serves no customers. It owns the house accounts.
HEAD_OFFICE = UUID(int=0)
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII)


def clean_code(text: str) -> str:
    """Return the code in capital letters. Raises `Invalid` for another form."""
    code = text.upper()
    if not _CODE.fullmatch(code):
        raise Invalid("code", "Enter a code (2 to 12 capital letters and digits), like NYC1.")
    return code


def clean_name(text: str) -> str:
    """Return the name without blanks around it.

    Raises `Invalid` unless it has 1 to 100 characters that are seen.
    """
    return names.clean_name("name", text)
