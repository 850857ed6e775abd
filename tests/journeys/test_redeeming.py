"""Redeeming metal over HTTP: a coin that is delivered, and redemptions that end otherwise."""

from datetime import timedelta

import pytest
import time_machine

from app.access import Role
from app.fulfillment.collection import service as collection
from app.fulfillment.shipments import queries as shipments_queries
from app.kit import clock, ids
from app.reconciliation.invariants import find_violations
from tests.api_client import ApiClient, assert_problem
from tests.fulfillment.dispatch import Dispatch
from tests.journeys.world import World
from tests.mailbox import run_pending_jobs
from tests.people import People
from tests.shop.stall import Stall

REDEEM, VAULT = "/api/redeem", "/api/vault/redemptions"
JOBS = (
    "redemption.request_shipments",
    "redemption.shipment_changed",
    "messages.deliver",
    "messages.send_mail",
)


@pytest.fixture
def stall(world: World) -> Stall:
    """A branch with ten coins of an ounce of gold, and a customer with three ounces."""
    stall = Stall.open(People(world.database))
    stall.coins()
    world.verified()
    world.me.credit(XAU_s="3", USD="500.00")
    return stall


def staff_of(world: World, role: Role) -> ApiClient:
    return ApiClient.sign_in_staff(world.me.app, People(world.database).staff(role).email)


def submit(world: World, stall: Stall, key: str) -> str:
    """Redeem an ounce as a coin that is collected at the branch; return its id."""
    branch = ids.encode("brn", stall.branch_id)
    wanted = {"asset": "XAU-s", "amount": "1.0", "format": "COIN", "pickupBranchId": branch}
    quote = world.me.ok(200, world.me.get(f"{REDEEM}/quote", **wanted))
    assert (quote["fee"], quote["total"]) == ("40.00", "40.00")
    body = {"quoteId": quote["quoteId"], "pickupBranchId": branch}
    first = world.me.post(REDEEM, body, key=key)
    again = world.me.post(REDEEM, body, key=key)
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    return str(world.me.ok(201, first)["redemption"]["id"])


def status_of(world: World, redemption: str) -> str:
    run_pending_jobs(world.database, *JOBS)
    shown = world.me.ok(200, world.me.get(f"{REDEEM}/status/{redemption}"))
    return str(shown["redemption"]["status"])


def subjects(world: World) -> list[str]:
    """Return the subjects of the customer's messages about redemptions, oldest first."""
    messages = world.me.ok(200, world.me.get("/api/messages"))["data"]
    found = [str(each["subject"]) for each in messages[::-1]]
    return [each for each in found if "redemption" in each]


def test_ounce_becomes_a_coin_in_the_hand(world: World, stall: Stall) -> None:
    redemption = submit(world, stall, "redeem-1")
    assert world.me.available_balances() == {"XAU-s": "2.00000000", "USD": "460.00"}
    staff = staff_of(world, Role.SUPPORT)
    staff.ok(200, staff.post(f"{VAULT}/{redemption}/approve", {}))
    assert status_of(world, redemption) == "allocated"
    dispatch = Dispatch.open(stall)
    with world.database.reading() as session:
        identifier = ids.decode("rdm", redemption)
        [shipment] = shipments_queries.list_shipments_of(session, identifier)
    for step in ("picking", "packed"):
        dispatch.step(shipment.id, step)
    assert status_of(world, redemption) == "picking"
    assert_problem(world.me.post(f"{REDEEM}/{redemption}/cancel"), 409, "cancel_window_closed")
    teller = stall.people.staff(Role.TELLER, stall.branch_id)
    with world.database.transaction() as session:
        code = dispatch.code_of(shipment.id)
        collection.hand_over(session, teller, shipment.id, code=code, document="passport")
    assert status_of(world, redemption) == "delivered"
    assert subjects(world) == ["We are reviewing your redemption", "Your redemption is approved"]
    with world.database.reading() as session:
        assert find_violations(session) == []


def test_rejected_and_lapsed_redemptions_give_everything_back(world: World, stall: Stall) -> None:
    rejected = submit(world, stall, "redeem-1")
    staff = staff_of(world, Role.SUPPORT)
    staff.ok(200, staff.post(f"{VAULT}/{rejected}/reject", {"reason": "not plausible"}))
    assert status_of(world, rejected) == "rejected"
    lapsed = submit(world, stall, "redeem-2")
    with time_machine.travel(clock.now() + timedelta(hours=24), tick=False):
        run_pending_jobs(world.database, "redemption.lapse")
    assert status_of(world, lapsed) == "expired"
    assert world.me.available_balances() == {"XAU-s": "3.00000000", "USD": "500.00"}
    assert subjects(world)[1::2] == ["Your redemption has ended"] * 2
    with world.database.reading() as session:
        assert find_violations(session) == []
