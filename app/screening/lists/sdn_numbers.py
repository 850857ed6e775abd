"""Numbers of passports, identity cards, taxes, registration and telephones in the list's remarks.

For example `Passport A0901234 (Iran) expires 20 Oct 2020; National ID No. 4072000342; alt. R.F.C.
GURR730821 (Mexico)`. They are compared exactly, without blanks and signs.
"""

import re

# What such a part of the remarks says first. Others name laws, dates, ships' tonnage and the like.
_KIND = re.compile(
    r"^(?:alt\. )?(?:[A-Z][\w.'/-]* )*?"
    r"(?:Passport|Book|No\.?|Number:?|ID|Id\.?|#|R\.?F\.?C\.?|C\.?U\.?R\.?P\.?|D\.?N\.?I\.?|C\.?U\.?I\.?[TP]\.?"
    r"|SSN|FEIN|RUC|RTN|NIT|RUT|C\.?I\.?F\.?|Card|Code|electoral|Nacional|Identidad|Mercantil|License"
    r"|I\.F\.E\.|IMO|MMSI|Telephone:?|Phone:?|Fax:?)(?: No\.?| Number:?| #| IMO)? (?P<rest>.+)$",
)
_EXCLUDED = re.compile(
    r"^(?:alt\. )?(?:DOB|POB|Linked|Government Gazette|Executive|Chinese Commercial)"
)
_BEHIND = re.compile(r"\s+(?:issued|expires|expired)\b.*$| ?\([A-Z][a-z].*$")
_SIGNS = re.compile(r"[^0-9A-Z]")
#: A shorter number, or one of fewer digits, may belong to another party.
_CHARACTERS_MIN, _DIGITS_MIN = 6, 4


def number_key(number: str) -> str:
    """Return a number in the form that compares; empty if it is too short to tell a party."""
    key = _SIGNS.sub("", number.upper())
    is_long = len(key) >= _CHARACTERS_MIN and sum(map(str.isdigit, key)) >= _DIGITS_MIN
    return key if is_long else ""


def listed_numbers(remarks: str) -> frozenset[str]:
    """Return the keys of all numbers that the remarks give."""
    numbers: set[str] = set()
    for part in remarks.split(";"):
        text = part.strip().rstrip(".")
        found = None if _EXCLUDED.match(text) else _KIND.match(text)
        if found is not None:
            numbers.add(number_key(_BEHIND.sub("", found["rest"])))
    return frozenset(numbers - {""})
