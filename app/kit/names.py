"""What a name must be: characters that people see."""

from unicodedata import category, normalize

from app.kit.errors import Invalid

NAME_LENGTH_MAX = 100
#: Letters, marks and symbols without a shape: fillers of Hangul, blanks of Braille, Khmer and
#: Mongolian, and marks that join or vary what is beside them.
_FILLERS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
)


def clean_name(field: str, text: str) -> str:
    """Return the name in NFC without surrounding blanks.

    Raises `Invalid` if it is empty, longer than 100 characters, or has characters that are not seen
    or that turn the text around them, which would let one name pass for another.
    """
    cleaned = normalize("NFC", text).strip()
    if not 0 < len(cleaned) <= NAME_LENGTH_MAX:
        raise Invalid(field, f"Enter 1 to {NAME_LENGTH_MAX} characters.")
    if not is_printable(cleaned):
        raise Invalid(field, "Remove the control characters.")
    if not is_visible(cleaned):
        raise Invalid(field, "Remove the invisible characters, such as marks of direction.")
    return cleaned


def is_printable(text: str) -> bool:
    """Return whether the text has neither control characters nor lone surrogates."""
    return not any(category(character) in {"Cc", "Cs"} for character in text)


def is_visible(text: str) -> bool:
    """Return whether each character of a name is seen: no marks of direction and of format, no
    separators of lines, no fillers, and none that Unicode does not define."""
    return not any(
        category(character) in {"Cf", "Zl", "Zp", "Co", "Cn"} or character in _FILLERS
        for character in text
    )
