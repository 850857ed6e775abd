"""What is known of the branches: addresses, hours, licences, tills, and a franchise."""

from datetime import date, timedelta

from app.branches import service as branches
from app.branches.entities import service as entities
from app.branches.entities.rules import FIRST_ENTITY, CashReportRegime
from app.branches.entities.service import EntityFacts
from app.branches.hours import service as hours
from app.branches.licences import service as licences
from app.branches.licences.service import NewLicence
from app.branches.rules import HEAD_OFFICE
from app.branches.service import BranchDetails
from app.branches.tills import service as tills
from app.kit import clock
from app.kit.postal_addresses import PostalAddress
from app.sample.business import Business
from app.sample.timeline import Part

PART = Part()
_EASTERN = "America/New_York"
_HEAD_OFFICE = PostalAddress(
    "US", "1 Exchange Plaza", "Floor 21", city="New York", state="NY", zip_code="10006"
)
_FRANCHISE = PostalAddress("US", "12 Bay Street", city="Newport", state="RI", zip_code="02840")
_OFFICE = ("09:30-17:30",) * 5
_DETAILS = {
    "MAIN": BranchDetails(
        "Main Street",
        PostalAddress("US", "48 Main Street", city="Albany", state="NY", zip_code="12207"),
        "(518) 555-0142",
        _EASTERN,
        offers_pickup=True,
    ),
    "HARBOUR": BranchDetails(
        "Harbour Quay",
        PostalAddress("US", "7 Harbour Quay", city="Boston", state="MA", zip_code="02110"),
        "(617) 555-0117",
        _EASTERN,
        offers_pickup=True,
    ),
    "AIRPORT": BranchDetails(
        "Airport, Terminal 2",
        PostalAddress("US", "Terminal 2", city="Newark", state="NJ", zip_code="07114"),
        "(973) 555-0160",
        _EASTERN,
        offers_pickup=False,
    ),
    "NEWPORT": BranchDetails(
        "Bay Street", _FRANCHISE, "(401) 555-0133", _EASTERN, offers_pickup=True
    ),
}
_HOURS = {
    "MAIN": (*_OFFICE, "10:00-14:00", ""),
    "HARBOUR": ("", *_OFFICE[1:], "10:00-13:00, 14:00-17:00", ""),
    # Until the last flight has left.
    "AIRPORT": ("05:30-01:00",) * 7,
    "NEWPORT": (*_OFFICE, "", ""),
}


@PART.ago(days=89)
def describe_branches(business: Business) -> None:
    """Add the franchise, and enter what the registers and the customers need."""
    admin = business.actor("admin")
    with business.transaction() as session:
        facts = EntityFacts("PBCEx, Inc.", "US-DE", _HEAD_OFFICE, "84-0000017")
        entities.change_entity(session, admin, FIRST_ENTITY, facts)
        office = BranchDetails(
            "Head office", _HEAD_OFFICE, "(212) 555-0100", _EASTERN, offers_pickup=False
        )
        branches.change_details(session, admin, HEAD_OFFICE, office)
        franchise = entities.add_entity(
            session,
            admin,
            "NEWPORT",
            EntityFacts("Newport Coins LLC", "US-RI", _FRANCHISE, "05-0000029"),
            CashReportRegime.FORM_8300,
        )
        business.things["NEWPORT LLC"] = franchise
        business.things["NEWPORT"] = branches.open_branch(
            session, admin, code="NEWPORT", name="Bay Street", entity_id=franchise
        )
        for code, details in _DETAILS.items():
            branch_id = business.things[code]
            branches.change_details(session, admin, branch_id, details)
            hours.set_week(session, admin, branch_id, _HOURS[code])
            for number in (1, 2):
                business.things[f"{code} TILL {number}"] = tills.open_till(
                    session, admin, branch_id=branch_id, code=f"T{number}", name=f"Till {number}"
                )


@PART.ago(days=88)
def enter_licences(business: Business) -> None:
    """Enter the licences, one of which expires soon."""
    admin, today = business.actor("admin"), clock.now().date()
    soon, later = today + timedelta(days=88 + 19), today + timedelta(days=88 + 400)
    with business.transaction() as session:
        for entity_id, licence in (
            (FIRST_ENTITY, NewLicence("Money services business", "31000200000017", "FinCEN", None)),
            (FIRST_ENTITY, NewLicence("Money transmitter", "MT-104417", "State of New York", soon)),
            (FIRST_ENTITY, NewLicence("Money transmitter", "MT-0817", "Massachusetts", later)),
            (
                business.things["NEWPORT LLC"],
                NewLicence("Dealer in precious metals", "PM-2291", "Rhode Island", later),
            ),
        ):
            licences.add_entity_licence(session, admin, entity_id, licence)
        licences.add_branch_licence(
            session,
            admin,
            business.things["AIRPORT"],
            NewLicence("Concession", "T2-118", "Airport authority", later),
        )


@PART.ago(days=20)
def set_holidays(business: Business) -> None:
    """Enter the holidays of the coming weeks, and put a till out of use."""
    admin, today = business.actor("admin"), clock.now().date()
    with business.transaction() as session:
        for code in _DETAILS:
            branch_id = business.things[code]
            for day, text, note in _holidays(today):
                hours.set_day(session, admin, branch_id, day, hours=text, note=note)
        tills.close_till(
            session, admin, business.things["HARBOUR"], business.things["HARBOUR TILL 2"]
        )


def _holidays(today: date) -> list[tuple[date, str, str]]:
    """Return the next Christmas and New Year."""
    year = today.year
    return [
        (date(year, 12, 24), "09:30-13:00", "Christmas Eve"),
        (date(year, 12, 25), "", "Christmas Day"),
        (date(year + 1, 1, 1), "", "New Year's Day"),
    ]


@PART.ago(days=5)
def warn_of_licences(business: Business) -> None:
    """Open the case about the licence that expires soon, as the timetable does."""
    business.stage("branches.warn_of_licences")
