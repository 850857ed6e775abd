"""Facts in the free text of the SDN list's remarks: birth dates, countries, weak aliases, wallets.

For example `DOB 14 Jun 1975; alt. DOB circa 1976; POB Leningrad, Russia; nationality Russia; a.k.a.
'SASHA'; Digital Currency Address - XBT 149w62rY42aZBox8fGcmqNsXUzSStKeq8C.`
"""

import re
from calendar import month_abbr, monthrange
from collections.abc import Iterable
from datetime import date

from app.screening.lists.countries import country_code
from app.screening.rules import BirthDateSpan

_MONTHS = {name: number for number, name in enumerate(month_abbr) if name}
_BIRTH = re.compile(r"\bDOB ([^;]+?)\.?(?=;|$)")
_DAY = re.compile(r"(?:(?P<day>\d{1,2}) )?(?:(?P<month>[A-Z][a-z]{2}) )?(?P<year>\d{4})")
_NICKNAME = re.compile(r"\b[afn]\.k\.a\. (?:'(.+?)'|[\"“](.+?)[\"”])(?=[;.]|$)")
_WALLET = re.compile(r"Digital Currency Address - ([A-Z0-9]{2,10}) ([0-9A-Za-z]{10,128})")
_NATION = re.compile(r"\b(?:nationality|citizen|POB) ([^;]+?)\.?(?=;|$)")
_CITIZEN = re.compile(r"\b(?:nationality|citizen) ([^;]+?)\.?(?=;|$)")
_ISSUER = re.compile(r"\(([A-Z][A-Za-z ,'-]+)\)")


def birth_date_spans(remarks: str) -> tuple[BirthDateSpan, ...]:
    """Return every span of days that is given as a birth date."""
    spans = []
    for text in _BIRTH.findall(remarks):
        dates = [span for match in _DAY.finditer(text) if (span := _span(match)) is not None]
        if dates:
            spans.append(
                BirthDateSpan(
                    min(span_of_days.first for span_of_days in dates),
                    max(span_of_days.last for span_of_days in dates),
                )
            )
    return tuple(spans)


def party_countries(remarks: str, address_countries: Iterable[str]) -> frozenset[str]:
    """Return a party's countries: of nationality, birth, residence and identity documents."""
    names = [birthplace.rpartition(",")[2] for birthplace in _NATION.findall(remarks)]
    names += _NATION.findall(remarks) + _ISSUER.findall(remarks)
    return frozenset(code for name in (*names, *address_countries) if (code := country_code(name)))


def nationalities(remarks: str) -> frozenset[str]:
    """Return the countries of which a party is a national or citizen."""
    names = _CITIZEN.findall(remarks)
    return frozenset(code for name in names if (code := country_code(name)))


def weak_aliases(remarks: str) -> tuple[str, ...]:
    """Return the nicknames that the list calls weak aliases."""
    return tuple(single or double for single, double in _NICKNAME.findall(remarks))


def wallet_addresses(remarks: str) -> tuple[tuple[str, str], ...]:
    """Return currency and wallet address of each digital currency address."""
    return tuple(_WALLET.findall(remarks))


def wallet_key(address: str) -> str:
    """Return a wallet address in a form that compares: in lower case if its format ignores case."""
    text = address.strip()
    is_hexadecimal = re.fullmatch(r"0[xX][0-9a-fA-F]{40}", text)
    is_bech32 = re.match(r"(bc|tb|ltc|addr)1", text, re.IGNORECASE)
    return text.lower() if is_hexadecimal or is_bech32 else text


def _span(match: "re.Match[str]") -> BirthDateSpan | None:
    """Return the first and last day that the text can mean; None if it is not a date."""
    year, month = int(match["year"]), _MONTHS.get(match["month"] or "")
    if not 1 <= year <= date.max.year:
        return None
    if month is None:
        return BirthDateSpan(date(year, 1, 1), date(year, 12, 31))
    last = monthrange(year, month)[1]
    if match["day"] is None:
        return BirthDateSpan(date(year, month, 1), date(year, month, last))
    day = int(match["day"])
    return (
        BirthDateSpan(date(year, month, day), date(year, month, day)) if 1 <= day <= last else None
    )
