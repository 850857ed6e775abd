"""Branches over the API, for people without an account."""

from datetime import UTC, date, datetime

import time_machine
from flask import Flask

from app.branches import service as branches
from app.branches.hours import service as hours
from app.branches.rules import HEAD_OFFICE
from app.branches.service import BranchDetails
from app.kit import ids
from app.kit.db import Database
from app.kit.postal_addresses import PostalAddress
from tests.api_client import ApiClient
from tests.people import People

ADDRESS = PostalAddress("US", "5 Wall Street", city="New York", state="NY", zip_code="10005")
DETAILS = BranchDetails(
    "Wall Street", ADDRESS, "(212) 555-0123", "America/New_York", offers_pickup=True
)
CHRISTMAS = date(2026, 12, 25)


def test_branch_is_public_with_its_hours(app: Flask, database: Database, people: People) -> None:
    branch_id = people.branch()
    with database.transaction() as session:
        branches.change_details(session, None, branch_id, DETAILS)
        hours.set_week(session, None, branch_id, ("09:00-12:00, 20:00-02:00",) * 7)
        hours.set_day(session, None, branch_id, CHRISTMAS, hours="", note="Christmas Day")
    # Half past midnight on Christmas Day in New York: the evening before still counts.
    with time_machine.travel(datetime(2026, 12, 25, 5, 30, tzinfo=UTC), tick=False):
        listed = ApiClient(app).get("/api/branches").json["data"]
    by_id = {branch["id"]: branch for branch in listed}
    assert ids.encode("brn", HEAD_OFFICE) not in by_id
    shown = by_id[ids.encode("brn", branch_id)]
    monday = [hours for hours in shown.pop("hours") if hours["weekday"] == "monday"]
    assert monday == [
        {"weekday": "monday", "opens": "09:00", "closes": "12:00"},
        {"weekday": "monday", "opens": "20:00", "closes": "02:00"},
    ]
    assert shown == {
        "id": ids.encode("brn", branch_id),
        "name": "Wall Street",
        "address": {
            "street": "5 Wall Street",
            "street2": None,
            "district": None,
            "city": "New York",
            "state": "NY",
            "zipCode": "10005",
            "country": "US",
        },
        "phone": "+12125550123",
        "pickup": True,
        "timeZone": "America/New_York",
        "otherDays": [{"date": "2026-12-25", "occasion": "Christmas Day", "hours": []}],
        "isOpen": True,
        "closesAt": "2026-12-25T07:00:00.000Z",
        "opensAt": None,
    }


def test_branch_without_details_is_closed(app: Flask, people: People) -> None:
    public_id = ids.encode("brn", people.branch())
    listed = ApiClient(app).get("/api/branches").json["data"]
    [shown] = [branch for branch in listed if branch["id"] == public_id]
    expected = {"address": None, "phone": None, "pickup": False, "hours": [], "isOpen": False}
    assert {name: shown[name] for name in expected} == expected
    assert (shown["opensAt"], shown["closesAt"]) == (None, None)
