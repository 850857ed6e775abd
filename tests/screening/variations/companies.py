"""Names of companies in other forms: legal forms, common words, branches."""

import random
import re

from tests.screening.variations.parties import ListedName

#: A legal form at the end of a name, and how it is written out. `S.A.` begins longer ones as well.
_WRITTEN_OUT = {
    "LLC": "Limited Liability Company",
    "L.L.C.": "Limited Liability Company",
    "LTD": "Limited",
    "LTD.": "Limited",
    "INC": "Incorporated",
    "INC.": "Incorporated",
    "CORP": "Corporation",
    "CORP.": "Corporation",
    "CO.": "Company",
    "CO., LTD.": "Company Limited",
    "GMBH": "Gesellschaft mit beschränkter Haftung",
    "AG": "Aktiengesellschaft",
    "PLC": "Public Limited Company",
    "S.A.": "Sociedad Anónima",
    "S.A. DE C.V.": "Sociedad Anónima de Capital Variable",
    "S. DE R.L. DE C.V.": "Sociedad de Responsabilidad Limitada de Capital Variable",
    "S.A.S.": "Sociedad por Acciones Simplificada",
    "S.R.L.": "Sociedad de Responsabilidad Limitada",
    "LTDA.": "Limitada",
    "LTDA": "Limitada",
    "E.U.": "Empresa Unipersonal",
    "S.A.R.L.": "Société à Responsabilité Limitée",
    "SARL": "Société à responsabilité limitée",
    "S.A.L.": "Société Anonyme Libanaise",
    "OOO": "Obshchestvo s Ogranichennoy Otvetstvennostyu",
    "OAO": "Otkrytoe Aktsionernoe Obshchestvo",
    "JSC": "Joint Stock Company",
    "OJSC": "Open Joint Stock Company",
    "PTE. LTD.": "Private Limited",
    "PTE LTD": "Private Limited",
    "S.P.A.": "Società per Azioni",
    "B.V.": "Besloten Vennootschap",
    "EST.": "Establishment",
}
_SHORTENED = {
    "LIMITED LIABILITY COMPANY": "LLC",
    "LIMITED": "Ltd",
    "INCORPORATED": "Inc.",
    "CORPORATION": "Corp.",
    "COMPANY": "Co.",
    "COMPANY LIMITED": "Co. Ltd.",
    "JOINT STOCK COMPANY": "JSC",
    "OPEN JOINT STOCK COMPANY": "OJSC",
    "LIMITADA": "Ltda.",
    "ESTABLISHMENT": "Est.",
    "PRIVATE JOINT STOCK COMPANY": "PJSC",
}
_EXCHANGED = (
    "LLC",
    "Ltd.",
    "Inc.",
    "GmbH",
    "S.A.",
    "FZE",
    "Co. Ltd",
    "LLP",
    "B.V.",
    "Pte. Ltd.",
    "JSC",
)
_WORDS = {
    "INTERNATIONAL": ("Intl", "Int'l", "Intl."),
    "TRADING": ("Trade",),
    "GENERAL": ("Gen.", "Gen"),
    "INDUSTRIES": ("Industry", "Ind."),
    "INDUSTRIAL": ("Industry", "Ind."),
    "MANUFACTURING": ("Mfg.", "Mfg"),
    "BROTHERS": ("Bros.", "Bros"),
    "DEVELOPMENT": ("Dev.",),
    "ENGINEERING": ("Eng.", "Engrg"),
    "TECHNOLOGY": ("Tech", "Technologies"),
    "SERVICES": ("Service", "Svcs"),
    "INVESTMENTS": ("Investment",),
    "INVESTMENT": ("Investments", "Inv."),
    "SHIPPING": ("Shpg",),
    "NATIONAL": ("Natl", "Nat'l"),
    "MANAGEMENT": ("Mgmt",),
    "ASSOCIATION": ("Assn",),
    "TRANSPORT": ("Transportation",),
}
_ADDED = ("Group", "Holding", "International", "Holdings", "Global")
_OF_A_COUNTRY = (
    "(Dubai)", "Moscow Branch", "of Germany", "UK", "(Cyprus)", "Istanbul Branch", "of Switzerland",
    "Hong Kong", "(Panama)", "Middle East", "Branch Office London", "Italia", "Singapore",
)  # fmt: skip


def _parted(name: ListedName, forms: dict[str, str]) -> tuple[str, str] | None:
    """Return the name without its legal form, and the form as listed."""
    text = name.text.upper()
    for form in sorted(forms, key=len, reverse=True):
        if re.search(rf"[\s,]{re.escape(form)}$", text):
            stem = name.text[: -len(form)].rstrip(" ,")
            # Another short word before it may belong to a longer form.
            is_whole = not re.search(r"(^|[\s,.])(\w\.|DE|Y|CO\.?|&|AND)$", stem.upper())
            return (stem, form) if is_whole and len(stem) > 4 else None
    return None


def form_written_out(name: ListedName, _choose: random.Random) -> str | None:
    """Write the legal form out."""
    parted = _parted(name, _WRITTEN_OUT)
    return f"{parted[0]} {_WRITTEN_OUT[parted[1]]}" if parted else None


def form_shortened(name: ListedName, _choose: random.Random) -> str | None:
    """Shorten the legal form."""
    parted = _parted(name, _SHORTENED)
    return f"{parted[0]} {_SHORTENED[parted[1]]}" if parted else None


def form_exchanged(name: ListedName, choose: random.Random) -> str | None:
    """Exchange the legal form for another."""
    parted = _parted(name, _WRITTEN_OUT)
    if parted is None:
        return None
    others = [form for form in _EXCHANGED if form.upper().strip(".") != parted[1].strip(".")]
    return f"{parted[0]} {choose.choice(others)}"


def form_added(name: ListedName, choose: random.Random) -> str | None:
    """Add a legal form where there is none."""
    if _parted(name, _WRITTEN_OUT | _SHORTENED) or len(name.words) < 2:
        return None
    return f"{name.text} {choose.choice(_EXCHANGED)}"


def form_left_out(name: ListedName, _choose: random.Random) -> str | None:
    """Leave the legal form out."""
    parted = _parted(name, _WRITTEN_OUT)
    return parted[0] if parted else None


def form_moved(name: ListedName, choose: random.Random) -> str | None:
    """Put the legal form in front of the name."""
    parted = _parted(name, _WRITTEN_OUT)
    if parted is None:
        return None
    return f"{choose.choice((parted[1], _WRITTEN_OUT[parted[1]]))} {parted[0]}"


def word_abbreviated(name: ListedName, choose: random.Random) -> str | None:
    """Write a common word otherwise: Intl, Trade, Gen., Industry."""
    words = name.text.split()
    places = [place for place, word in enumerate(words) if word.strip(",") in _WORDS]
    if not places or len(words) < 3:
        return None
    place = choose.choice(places)
    words[place] = choose.choice(_WORDS[words[place].strip(",")])
    return " ".join(words)


def _stem(name: ListedName) -> tuple[str, str]:
    parted = _parted(name, _WRITTEN_OUT | _SHORTENED)
    return parted or (name.text, "")


def word_added(name: ListedName, choose: random.Random) -> str | None:
    """Add Group, Holding or International."""
    stem, form = _stem(name)
    others = [word for word in _ADDED if word.upper() not in name.text.upper()]
    return f"{stem} {choose.choice(others)} {form}".strip()


def country_added(name: ListedName, choose: random.Random) -> str | None:
    """Add the country or the place of a branch."""
    return f"{_stem(name)[0]} {choose.choice(_OF_A_COUNTRY)}"


def stock_company_in_front(name: ListedName, choose: random.Random) -> str | None:
    """Put Joint Stock Company in front."""
    if "STOCK" in name.text.upper():
        return None
    front = choose.choice(("Joint Stock Company", "JSC", "Limited Liability Company", "OOO"))
    return f"{front} {_stem(name)[0]}"
