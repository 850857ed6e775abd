"""Orders to a wholesaler: planned without a person, locked, placed once, followed and compared."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from app.cases.models import Case
from app.fulfillment.restock import automation
from app.fulfillment.restock.purchase_orders import ordering
from app.fulfillment.restock.purchase_orders.ports import Wholesalers
from app.fulfillment.restock.purchase_orders.queries import PurchaseRow
from app.kit import clock
from app.kit.ports import provide, resolve
from app.outbox.models import StagedJob
from app.providers.errors import ProviderOutcomeUnknown
from app.reconciliation.comparison import Comparison
from app.reconciliation.purchases import compare_purchases
from tests.fulfillment.restock.yard import Yard
from tests.people import People, set_prices
from tests.rows import count_rows
from tests.scripted_rails import CallFault
from tests.scripted_wholesaler import ScriptedWholesaler


@pytest.fixture
def wholesaler() -> Iterator[ScriptedWholesaler]:
    before, scripted = resolve(Wholesalers), ScriptedWholesaler()
    provide(Wholesalers, Wholesalers({"fiztrade": scripted}))
    yield scripted
    provide(Wholesalers, before)


@pytest.fixture
def yard(people: People, wholesaler: ScriptedWholesaler) -> Yard:
    del wholesaler
    set_prices(people.database, AU="4000")
    return Yard.open(people, provider="fiztrade")


def plan(yard: Yard) -> PurchaseRow | None:
    """Run restock; return what it planned for the yard's location."""
    with yard.database.transaction() as session:
        planned = automation.run(session)
    orders = [yard.now(order_id) for order_id in planned]
    return next((each for each in orders if each.location_id == yard.goods.location.id), None)


def cases_of(yard: Yard, order: PurchaseRow) -> int:
    with yard.database.reading() as session:
        return count_rows(session, Case, Case.subject == order.public_id)


def test_what_is_low_is_ordered_by_itself_and_its_delivery_is_followed(
    yard: Yard, wholesaler: ScriptedWholesaler
) -> None:
    order = plan(yard)
    assert order is not None
    assert (order.status, order.requested_by, plan(yard)) == ("planned", None, None)
    with yard.database.transaction() as session:
        ordering.poll(session)
        jobs = StagedJob.args["order_id"].astext == str(order.id)
        assert count_rows(session, StagedJob, jobs) == 1
    ordering.advance(yard.database, order.id)
    assert (yard.now(order.id).status, str(yard.now(order.id).cost)) == ("ordered", "12150.03")
    for share, status in ((Decimal("0.5"), "shipped"), (Decimal(1), "shipped")):
        wholesaler.send(order.public_id, share)
        ordering.advance(yard.database, order.id)
        assert yard.now(order.id).status == status
    wholesaler.cancel(order.public_id)
    ordering.advance(yard.database, order.id)
    assert (yard.now(order.id).status, cases_of(yard, order)) == ("closed", 1)


def test_an_order_whose_locked_price_is_above_the_estimate_waits_for_two_people(
    yard: Yard, wholesaler: ScriptedWholesaler
) -> None:
    wholesaler.price = "4500.00"
    order = plan(yard)
    assert order is not None
    ordering.advance(yard.database, order.id)
    assert (yard.now(order.id).status, wholesaler.placed.total()) == ("held", 0)


def test_a_product_that_is_refused_is_a_case_and_not_ordered_again_for_hours(
    yard: Yard, wholesaler: ScriptedWholesaler
) -> None:
    wholesaler.faults = [CallFault.REFUSED]
    order = plan(yard)
    assert order is not None
    ordering.advance(yard.database, order.id)
    assert (yard.now(order.id).status, cases_of(yard, order), plan(yard)) == ("failed", 1, None)
    with time_machine.travel(clock.now() + timedelta(hours=7)):
        again = plan(yard)
    assert again is not None
    assert again.units == order.units


def test_a_lost_answer_is_looked_for_and_nightly_comparison_finds_what_only_one_side_has(
    yard: Yard, wholesaler: ScriptedWholesaler
) -> None:
    order = plan(yard)
    assert order is not None
    wholesaler.faults = [None, CallFault.UNANSWERED_DONE]
    with pytest.raises(ProviderOutcomeUnknown):
        ordering.advance(yard.database, order.id)
    assert yard.now(order.id).status == "executing"
    comparison = Comparison(yard.database, "fiztrade orders", clock.now() - timedelta(days=1))
    compare_purchases(comparison, wholesaler)
    assert (comparison.healed, comparison.differences) == (1, 0)
    assert yard.now(order.id).status == "ordered"
    assert wholesaler.placed[order.public_id] == 1
    foreign = wholesaler.execute(
        "theirs",
        wholesaler.lock("theirs", [], frozenset()).token,
        number=1,
        address=None,
    )
    later = clock.now() + timedelta(hours=2)
    wholesaler.forget(order.public_id)
    with time_machine.travel(later):
        comparison = Comparison(yard.database, "fiztrade orders", later - timedelta(days=1))
        compare_purchases(comparison, wholesaler)
    with yard.database.reading() as session:
        found = [count_rows(session, Case, Case.subject == each)
                 for each in (foreign.confirmation, order.public_id)]  # fmt: skip
    assert found == [1, 1]
