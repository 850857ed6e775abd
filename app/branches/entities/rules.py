"""What the law knows a company by."""

import re
from uuid import UUID

from app.kit import countries, names, postal_areas
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum

#: The company that every database has. Its head office is `branches.rules.HEAD_OFFICE`.
FIRST_ENTITY = UUID(int=1)
_EIN = re.compile(r"[0-9]{2}-[0-9]{7}", re.ASCII)
_TAX_NUMBER_LENGTH_MAX = 30


class CashReportRegime(LabelledEnum):
    """Under which law a company reports cash of more than 10,000 US dollars."""

    CTR = "CTR", "Currency transaction report (31 CFR 1010.311)"
    """A money services business."""
    FORM_8300 = "FORM_8300", "Form 8300 (31 CFR 1010.330)"
    """A dealer in precious metals that is nothing else."""


def clean_jurisdiction(text: str) -> str:
    """Return a country, or a state of one by ISO 3166-2. Raises `Invalid` for other texts."""
    country, hyphen, state = text.upper().partition("-")
    codes = {area.code for area in postal_areas.list_areas(country)} if hyphen else {state}
    if not countries.is_country(country) or state not in codes:
        raise Invalid("jurisdiction", "Enter a country or a state of one, like KE or US-DE.")
    return f"{country}{hyphen}{state}"


def jurisdiction_name(jurisdiction: str) -> str:
    """Return the English name, with that of the country."""
    country, _, state = jurisdiction.partition("-")
    areas = postal_areas.list_areas(country) if state else ()
    found = [area.name for area in areas if area.code == state]
    return ", ".join((*found, countries.country_name(country)))


def clean_tax_number(jurisdiction: str, text: str) -> str | None:
    """Return a company's tax number, None for an empty text.

    Raises `Invalid` for what is no EIN in the United States: the number of a person is not kept
    here.
    """
    if not text.strip():
        return None
    number = names.clean_name("tax_number", text)
    if jurisdiction.startswith("US") and not _EIN.fullmatch(number):
        raise Invalid("tax_number", "Enter the company's EIN, like 12-3456789.")
    if len(number) > _TAX_NUMBER_LENGTH_MAX:
        raise Invalid("tax_number", f"Enter at most {_TAX_NUMBER_LENGTH_MAX} characters.")
    return number
