"""Head office is a branch of the first legal entity that serves no customers."""

from uuid import UUID

import pytest

from app.access import Actor, Role
from app.branches import queries as branches_queries
from app.branches import service as branches
from app.branches.entities.rules import FIRST_ENTITY
from app.branches.errors import BranchCodeTaken
from app.branches.rules import HEAD_OFFICE
from app.identity.accounts import invitations
from app.identity.roles import role_assignments
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid
from app.ledger import chart
from tests.people import People

REASON = "because of a test"


def test_head_office_owns_the_house_accounts(database: Database, admin: Actor) -> None:
    assert chart.HOUSE == HEAD_OFFICE
    with database.reading() as session:
        office = branches_queries.get_branch(session, admin, HEAD_OFFICE)
    assert (office.code, office.entity_id, office.entity_code) == ("HQ", FIRST_ENTITY, "PBCEX")


def test_head_office_is_offered_to_no_customer(
    database: Database, people: People, admin: Actor
) -> None:
    branch_id = people.branch()
    with database.reading() as session:
        every = {branch.id for branch in branches_queries.list_branches(session, admin)}
        serving = {branch.id for branch in branches_queries.list_serving_branches(session, admin)}
    assert branch_id in serving
    assert every - serving == {HEAD_OFFICE}


@pytest.mark.parametrize("branch_id", [HEAD_OFFICE, UUID(int=7)], ids=["head office", "unknown"])
def test_teller_works_where_customers_are_served(
    database: Database, people: People, admin: Actor, branch_id: UUID
) -> None:
    person = people.customer()
    with database.transaction() as session, pytest.raises(Invalid) as refusal:
        role_assignments.change_role(
            session, admin, person.user_id, Role.TELLER, branch_id=branch_id, reason=REASON
        )
    assert (refusal.value.field, refusal.value.message) == (
        "branch",
        "Choose a branch that serves customers.",
    )
    with database.transaction() as session, pytest.raises(Invalid, match="serves customers"):
        invitations.invite(
            session,
            admin,
            email=f"{ids.new().hex}@example.com",
            first_name="Grace",
            last_name="Hopper",
            role=Role.TELLER,
            branch_id=branch_id,
            reason=REASON,
        )


def test_branch_belongs_to_a_legal_entity_that_exists(database: Database, admin: Actor) -> None:
    with database.transaction() as session, pytest.raises(Invalid) as refusal:
        branches.open_branch(session, admin, code="NOWHERE", name="Nowhere", entity_id=UUID(int=7))
    assert refusal.value.field == "entity"


def test_code_of_head_office_is_taken(database: Database, admin: Actor) -> None:
    with pytest.raises(BranchCodeTaken), database.transaction() as session:
        branches.open_branch(session, admin, code="hq", name="A second one", entity_id=FIRST_ENTITY)
