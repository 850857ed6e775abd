"""Exchanges about branches."""

from datetime import date

from app.branches import service as branches
from app.branches.entities.rules import FIRST_ENTITY
from app.branches.hours import service as hours
from app.branches.service import BranchDetails
from app.kit.postal_addresses import PostalAddress
from tests.api_document.examples import RecordingClient
from tests.api_document.play import Play

_ADDRESS = PostalAddress("US", "48 Main Street", city="Albany", state="NY", zip_code="12207")
DETAILS = BranchDetails(
    "Main Street", _ADDRESS, "(518) 555-0142", "America/New_York", offers_pickup=True
)


def list_branches(play: Play, ada: RecordingClient) -> None:
    """Open a branch, and list it."""
    with play.database.transaction() as session:
        branch_id = branches.open_branch(
            session, None, code="MAIN", name="Main Street", entity_id=FIRST_ENTITY
        )
        branches.change_details(session, None, branch_id, DETAILS)
        hours.set_week(session, None, branch_id, (*("09:30-17:30",) * 5, "10:00-14:00", ""))
        hours.set_day(session, None, branch_id, date(2026, 12, 25), hours="", note="Christmas Day")
    ada.ok(200, ada.get("/api/branches"))
