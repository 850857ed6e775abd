"""Countries by the names of sanctions lists, besides their English ones (app/kit/countries.py).

A former country counts as its successor, or as the largest of its successors.
"""

import re
from functools import cache
from unicodedata import combining, normalize

from app.kit.countries import COUNTRY_NAMES

_OTHER_NAMES = {
    "AE": "UAE",
    "BA": "Bosnia-Herzegovina; Bosnia",
    "BQ": "Bonaire, Sint Eustatius, and Saba",
    "CC": "Cocos Islands",
    "CD": "Congo, Democratic Republic of the; Democratic Republic of the Congo; Congo (Kinshasa);"
    " Zaire",
    "CG": "Congo, Republic of the; Republic of the Congo; Congo (Brazzaville)",
    "CI": "Cote d'Ivoire; Cote d Ivoire; Ivory Coast",
    "CN": "People's Republic of China",
    "CV": "Cabo Verde",
    "CW": "Netherlands Antilles",
    "CZ": "Czech Republic",
    "DE": "Federal Republic of Germany",
    "GB": "UK; Great Britain; England; Scotland",
    "HK": "Hong Kong; Hong Kong SAR",
    "IM": "Man, Isle of",
    "IR": "Islamic Republic of Iran",
    "KP": "Korea, North; Democratic People's Republic of Korea",
    "KR": "Korea, South; Republic of Korea",
    "LA": "Lao People's Democratic Republic",
    "MK": "Macedonia; Former Yugoslav Republic of Macedonia",
    "ML": "Region: Northern Mali",
    "MM": "Burma; Myanmar",
    "MO": "Macao; Macau",
    "PN": "Pitcairn",
    "PS": "Palestinian; Palestinian Territory; West Bank; Region: Gaza; Gaza; Palestine",
    "RS": "Serbia and Montenegro; Yugoslavia; Federal Republic of Yugoslavia",
    "RU": "Russian Federation; USSR",
    "SD": "Region: Kafia Kingi",
    "SH": "Saint Helena",
    "SJ": "Svalbard and Jan Mayen Islands",
    "ST": "Sao Tome and Principe",
    "SY": "Syrian Arab Republic",
    "SZ": "Swaziland",
    "TD": "Republic of Chad",
    "TL": "East Timor",
    "TR": "Turkey; Turkiye",
    "UA": "Region: Crimea; Crimea",
    "US": "United States of America; USA",
    "VA": "Holy See; Vatican",
    "VC": "Saint Vincent and the Grenadines",
    "VE": "Bolivarian Republic of Venezuela",
    "VG": "Virgin Islands, British",
    "VI": "Virgin Islands, U.S.",
    "WF": "Wallis and Futuna Islands",
}
_ARTICLE = re.compile(r"^the |, the$")


def country_code(name: str) -> str | None:
    """Return the code of a country by one of its names; None if the name is unknown."""
    return _codes().get(_key(name))


@cache
def _codes() -> dict[str, str]:
    codes = {_key(name): code for code, name in COUNTRY_NAMES.items()}
    for code, names in _OTHER_NAMES.items():
        codes |= {_key(name): code for name in names.split(";")}
    return codes


def _key(name: str) -> str:
    """Return a name as it compares: without marks and articles, with signs for words."""
    marked = normalize("NFKD", name.strip().replace("’", "'").casefold())
    text = "".join(letter for letter in marked if not combining(letter))
    return _ARTICLE.sub("", text).replace(" and ", " & ").replace("saint ", "st. ")
