"""Details and tills of branches."""

from dataclasses import replace

import pytest

from app.access import Actor
from app.branches import queries as branches_queries
from app.branches import service as branches
from app.branches.rules import HEAD_OFFICE
from app.branches.service import BranchDetails
from app.branches.tills import queries as tills_queries
from app.branches.tills import service as tills
from app.branches.tills.errors import TillClosed, TillCodeTaken
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound
from app.kit.postal_addresses import PostalAddress
from tests.people import People

ADDRESS = PostalAddress("US", "5 Wall Street", city="New York", state="NY", zip_code="10005")
DETAILS = BranchDetails("Wall Street", ADDRESS, "(212) 555-0123", "America/New_York", True)


def test_details_are_normalized(database: Database, people: People, admin: Actor) -> None:
    branch_id = people.branch()
    with database.transaction() as session:
        branches.change_details(session, admin, branch_id, DETAILS)
    with database.reading() as session:
        branch = branches_queries.get_branch(session, admin, branch_id)
    assert (branch.name, branch.phone, branch.offers_pickup) == (
        "Wall Street", "+12125550123", True,
    )  # fmt: skip
    assert branch.postal is not None
    assert branch.postal.in_one_line == "5 Wall Street, New York, NY, 10005, US"
    with database.transaction() as session:
        branches.change_details(session, admin, branch_id, replace(DETAILS, phone=""))
    with database.reading() as session:
        assert branches_queries.get_branch(session, admin, branch_id).phone is None


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (replace(DETAILS, name=""), "name"),
        (replace(DETAILS, phone="12"), "phone"),
        (replace(DETAILS, time_zone="New York"), "time_zone"),
        (replace(DETAILS, address=replace(ADDRESS, zip_code="90210")), "zipCode"),
    ],
    ids=["name", "phone", "time zone", "postal code of another state"],
)
def test_detail_that_is_not_valid_is_refused(
    database: Database, people: People, admin: Actor, details: BranchDetails, field: str
) -> None:
    branch_id = people.branch()
    with database.transaction() as session, pytest.raises(Invalid) as refusal:
        branches.change_details(session, admin, branch_id, details)
    assert refusal.value.field == field


def test_no_pickup_and_no_till_at_head_office(database: Database, admin: Actor) -> None:
    with database.transaction() as session, pytest.raises(Invalid) as refusal:
        branches.change_details(session, admin, HEAD_OFFICE, DETAILS)
    assert refusal.value.field == "offers_pickup"
    with database.transaction() as session, pytest.raises(Invalid) as refusal:
        tills.open_till(session, admin, branch_id=HEAD_OFFICE, code="T1", name="Till 1")
    assert refusal.value.field == "branch"


def test_code_of_a_till_is_free_again_once_it_is_closed(
    database: Database, people: People, admin: Actor
) -> None:
    here, there = people.branch(), people.branch()
    with database.transaction() as session:
        first = tills.open_till(session, admin, branch_id=here, code="t1", name="Till 1")
        tills.open_till(session, admin, branch_id=there, code="T1", name="Till 1")
    with pytest.raises(TillCodeTaken), database.transaction() as session:
        tills.open_till(session, admin, branch_id=here, code="T1", name="Another")
    with database.transaction() as session:
        tills.close_till(session, admin, here, first)
        second = tills.open_till(session, admin, branch_id=here, code="T1", name="Till 1, new")
    with database.transaction() as session, pytest.raises(TillClosed):
        tills.close_till(session, admin, here, first)
    with database.transaction() as session, pytest.raises(NotFound):
        tills.close_till(session, admin, there, second)
    with database.reading() as session:
        assert [till.id for till in tills_queries.list_tills(session, here)] == [second, first]
