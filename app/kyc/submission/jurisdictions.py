"""Where we serve people and companies by where they live: a dated table, and the case it opens.

ADR 26 says from which lists it follows and when it is read again. A country that is not in it is
served.
"""

from collections.abc import Iterator
from datetime import date
from types import MappingProxyType
from uuid import UUID

from app.cases import service as cases
from app.kit import ids
from app.kit.countries import country_name
from app.kit.db import Session
from app.kit.formatting import format_date
from app.kit.postal_addresses import PostalAddress
from app.kyc.rules import ReviewFlag
from app.kyc.submission.applicant_details import CompanyDetails, PersonDetails

CASE_KIND = "residence"
#: When the table was last compared with its sources.
AS_OF = date(2026, 11, 29)
#: Embargoed as a whole by the United States; their parts by ISO 3166-2.
REFUSED = frozenset({"CU", "IR", "KP", "UA-40", "UA-43"})
#: Programmes of sanctions beyond lists of names, or a call for action by the FATF. Of Donetsk and
#: Luhansk, parts are embargoed.
REVIEWED = frozenset(
    {
        "AF", "BY", "CD", "CF", "HT", "IQ", "LB", "LY", "ML", "MM", "NI", "RU", "SD", "SO", "SS",
        "SY", "UA-09", "UA-14", "VE", "YE", "ZW",
    }
)  # fmt: skip
#: Country, beginning of the postal code, and the embargoed part that it is in, whichever state was
#: typed: of Crimea and Sevastopol, as Ukraine and as Russia number them.
_PLACES_BY_ZIP = (
    *(("UA", zip_start, "UA-43") for zip_start in ("95", "96", "97", "98")),
    ("UA", "99", "UA-40"),
    *(("RU", zip_start, "UA-43") for zip_start in ("295", "296", "297", "298")),
    ("RU", "299", "UA-40"),
)
_TITLES = MappingProxyType(
    {
        ReviewFlag.EMBARGOED: "Submission from an embargoed place",
        ReviewFlag.RESIDENCE: "Residence that needs a review",
    }
)


def find_flag(details: PersonDetails | CompanyDetails) -> ReviewFlag | None:
    """Return the flag to set for where a person lives, or a company and its owners are."""
    places = {place for _, place in _places(details)}
    if places & REFUSED:
        return ReviewFlag.EMBARGOED
    return ReviewFlag.RESIDENCE if places & REVIEWED else None


def is_served(address: PostalAddress) -> bool:
    """Return whether nothing about a normalized address keeps goods from being sent there."""
    return not set(_codes(address)) & (REFUSED | REVIEWED)


def report(
    session: Session,
    user_id: UUID,
    about: str,
    flag: ReviewFlag,
    details: PersonDetails | CompanyDetails,
) -> None:
    """Open the case for a flag. `about` is the public id of the submission."""
    cases.open_case(
        session,
        kind=CASE_KIND,
        subject=about,
        key=about,
        title=_TITLES[flag],
        facts={
            "account": ids.encode("usr", user_id),
            **{
                whose: f"{country_name(place.partition('-')[0])} ({place})"
                for whose, place in _places(details)
                if place in REFUSED | REVIEWED
            },
            "table of": format_date(AS_OF),
        },
        person_id=user_id,
    )


def _places(details: PersonDetails | CompanyDetails) -> Iterator[tuple[str, str]]:
    """Yield whose place it is, and the code of each country and state."""
    yield from (("address", place) for place in _codes(details.address))
    if isinstance(details, CompanyDetails):
        for number, owner in enumerate(details.owners, 1):
            yield f"owner {number}", owner.country


def _codes(address: PostalAddress) -> Iterator[str]:
    yield address.country
    if address.state_code is not None:
        yield f"{address.country}-{address.state_code}"
    for country, zip_start, place in _PLACES_BY_ZIP:
        if address.country == country and (address.zip_code or "").startswith(zip_start):
            yield place
