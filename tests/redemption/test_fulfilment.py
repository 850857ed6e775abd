"""Approved redemptions on their way: requested once, and followed to the customer."""

import pytest

from app.access import Actor, Role
from app.fulfillment.collection import service as collection
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.shipments import queries as shipments_queries
from app.kit.db import Session
from app.redemption.errors import WrongRedemptionStatus
from app.redemption.requests import fulfilment
from app.redemption.requests.queries import Redemption
from tests.fulfillment.dispatch import STEPS, Dispatch
from tests.mailbox import run_pending_jobs
from tests.people import People
from tests.redemption.counter import Counter
from tests.shop.stall import NEW_HAMPSHIRE
from tests.vault.goods import postings_of

JOBS = ("redemption.request_shipments", "redemption.shipment_changed")


@pytest.fixture
def counter(people: People) -> Counter:
    return Counter.open(people)


def status_of(counter: Counter, redemption: Redemption) -> str:
    run_pending_jobs(counter.database, *JOBS)
    return counter.now(redemption).status


def take_step(counter: Counter, redemption: Redemption, step: str) -> str:
    """Move the one shipment of a redemption on; return the redemption's status."""
    with counter.database.reading() as session:
        [shipment] = shipments_queries.list_shipments_of(session, redemption.id)
    Dispatch.open(counter.stall).step(shipment.id, step)
    return status_of(counter, redemption)


def test_shipped_redemption_takes_each_status_of_its_shipment(counter: Counter) -> None:
    quote = counter.quote(pickup_branch_id=None)
    redemption = counter.submit(quote, shipping_address=NEW_HAMPSHIRE)
    counter.approve(redemption)
    assert status_of(counter, redemption) == "allocated"
    steps = [take_step(counter, redemption, step) for step in STEPS]
    assert steps == ["picking", "picking", "shipped", "delivered"]
    assert counter.now(redemption).delivered_at is not None
    [sku] = {item.sku for item in quote.items}
    with counter.database.reading() as session:
        assert goods_of(session, counter.owner, sku) == 0
    counter.assert_sound()


def goods_of(session: Session, owner: Actor, sku: str) -> int:
    """Return the units of a product that a customer owns and has not received."""
    return int(
        session.value(
            "SELECT coalesce(sum(b.posted), 0) FROM balances b JOIN accounts a ON a.id ="
            " b.account_id WHERE a.class = 'customer.goods' AND a.owner_id = %s AND a.asset = %s",
            (owner.user_id, sku),
        )
    )


def test_redemption_at_a_branch_is_handed_over_against_code_and_document(
    counter: Counter, people: People
) -> None:
    redemption = counter.submit()
    counter.approve(redemption)
    assert status_of(counter, redemption) == "allocated"
    for step in ("picking", "packed"):
        assert take_step(counter, redemption, step) == "picking"
    dispatch = Dispatch.open(counter.stall)
    teller = people.staff(Role.TELLER, counter.stall.branch_id)
    with counter.database.transaction() as session:
        [waiting] = shipments_queries.list_shipments_of(session, redemption.id)
        collection.hand_over(
            session, teller, waiting.id, code=dispatch.code_of(waiting.id), document="passport"
        )
    assert status_of(counter, redemption) == "delivered"
    [shipment] = list_shipments(counter, redemption)
    sku = counter.coins.sku
    assert postings_of(counter.database, f"{shipment}:delivered") == {
        ("customer.goods", sku): "1", ("stock.picked", sku): "-1",
    }  # fmt: skip


def list_shipments(counter: Counter, redemption: Redemption) -> list[str]:
    with counter.database.reading() as session:
        found = shipments_queries.list_shipments_of(session, redemption.id)
    return [shipment.public_id for shipment in found]


def test_staff_ship_all_at_once_and_picked_goods_are_not_cancelled(
    counter: Counter, people: People
) -> None:
    redemption = counter.submit(
        counter.quote(pickup_branch_id=None), shipping_address=NEW_HAMPSHIRE
    )
    counter.approve(redemption)
    keeper = people.staff(Role.INVENTORY)
    with counter.database.transaction() as session:
        fulfilment.ship(session, keeper, redemption.id, carrier="FedEx", tracking_number="1")
    assert counter.now(redemption).status == "shipped"
    with pytest.raises(CancelWindowClosed):
        counter.cancel(redemption)
    with counter.database.transaction() as session, pytest.raises(WrongRedemptionStatus):
        fulfilment.ship(session, keeper, redemption.id, carrier="", tracking_number="")
    counter.assert_sound()


def test_redemption_that_is_being_picked_is_not_cancelled(counter: Counter) -> None:
    redemption = counter.submit()
    counter.approve(redemption)
    status_of(counter, redemption)
    # The customer may be faster than the fact of the shipment.
    with counter.database.reading() as session:
        [shipment] = shipments_queries.list_shipments_of(session, redemption.id)
    Dispatch.open(counter.stall).step(shipment.id, "picking")
    assert counter.now(redemption).status == "allocated"
    with pytest.raises(CancelWindowClosed):
        counter.cancel(redemption)


def test_shipments_are_requested_once_however_often_the_job_runs(counter: Counter) -> None:
    redemption = counter.submit()
    counter.approve(redemption)
    run_pending_jobs(counter.database, *JOBS)
    first = list_shipments(counter, redemption)
    with counter.database.transaction() as session:
        fulfilment.request_shipments(session, redemption.id)
    assert list_shipments(counter, redemption) == first
    assert len(first) == 1


def test_late_fact_changes_nothing_of_a_redemption_that_waits(counter: Counter) -> None:
    redemption = counter.submit()
    with counter.database.transaction() as session:
        fulfilment.follow_shipments(session, redemption.id)
        fulfilment.request_shipments(session, redemption.id)
    assert counter.now(redemption) == redemption
