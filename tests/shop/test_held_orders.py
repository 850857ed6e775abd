"""Orders that staff look at before their goods are sold: what holds one, and how it ends."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from app.access import Actor, Role
from app.approvals.errors import SelfApproval
from app.audit.actions import AuditAction
from app.audit.models import AuditRecord
from app.audit.rules import AuditOutcome
from app.cases import service as cases
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress
from app.reconciliation.invariants import find_violations
from app.screening.decisions.consequences import describe_effect
from app.screening.errors import RecipientBlocked
from app.screening.models import Screening
from app.shop.checkout import held_orders, order_release, waiting_orders
from app.shop.checkout.errors import OrderNotOnHold, ScreeningUndecided
from app.shop.checkout.rules import OrderReviewRules
from app.shop.orders import queries as orders_queries
from app.shop.orders.errors import OwnOrder
from app.shop.orders.queries import GoodsOrder
from app.shop.tasks import poll_orders
from app.tax.assessment import Delivery
from tests import sanctions
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.paying_customer import usd
from tests.people import People
from tests.rows import read_values
from tests.second_person import approve
from tests.shop.paid_later import BY_TRANSFER, LaterBuyer
from tests.shop.stall import BOSTON, NEW_HAMPSHIRE, Stall, proven
from tests.vault.goods import Goods, postings_of

REASON = "They called back from the number of the profile."
LISTED = replace(BOSTON, recipient=sanctions.LISTED_NAME)


@dataclass(frozen=True)
class Counter:
    """A stall, a customer with 20,000 dollars, and compliance."""

    stall: Stall
    buyer: Actor
    coins: Goods
    officer: Actor

    @property
    def database(self) -> Database:
        return self.stall.database

    def ship(self, address: PostalAddress = BOSTON, **request: Any) -> GoodsOrder:
        """Order a coin of 4,208.40 that is shipped."""
        lock = self.stall.lock(self.buyer, self.coins)
        return self.stall.buy(
            proven(self.buyer), lock, delivery=Delivery.SHIP, shipping_address=address, **request
        )

    def now(self, order: GoodsOrder) -> GoodsOrder:
        with self.database.reading() as session:
            return orders_queries.get_order(session, order.id)

    def release(self, order: GoodsOrder, actor: Actor | None = None) -> GoodsOrder:
        with self.database.transaction() as session:
            order_release.release(session, actor or self.officer, order.id, reason=REASON)
        return self.now(order)

    def reject(self, order: GoodsOrder) -> GoodsOrder:
        with self.database.transaction() as session:
            held_orders.reject(session, self.officer, order.id, reason=REASON)
        return self.now(order)

    def decide(self, order: GoodsOrder, disposition: str) -> GoodsOrder:
        """Close the case of the order's recipient."""
        with self.database.transaction() as session:
            [case_id] = read_values(session, Screening.case_id, Screening.about == order.public_id)
            cases.close(session, self.officer, case_id, disposition=disposition, reason=REASON)
        run_pending_jobs(self.database, "shop.screening_decided")
        return self.now(order)

    def outcome(self, order: GoodsOrder) -> tuple[str, str | None, str, int]:
        """Return the order's status and why it ended, the customer's dollars, and the coins that
        are neither sold nor reserved."""
        balances = self.stall.people.balances(self.buyer)
        return order.status, order.cancel_reason, balances.get("USD", ""), self.coins.free()


@pytest.fixture
def counter(people: People) -> Counter:
    stall = Stall.open(people)
    buyer, officer = stall.buyer(USD="20000"), people.staff(Role.COMPLIANCE)
    return Counter(stall, buyer, stall.coins(), officer)


def held(counter: Counter, address: PostalAddress = BOSTON, **settings: Any) -> GoodsOrder:
    """Return an order that is on hold, because it is a large one of a new customer."""
    with fixed_settings(OrderReviewRules(**{"first_order_from": usd("1"), **settings})):
        order = counter.ship(address)
    assert order.status == "on_hold"
    return order


def assert_sound(counter: Counter) -> None:
    with counter.database.reading() as session:
        assert find_violations(session) == []


def test_order_is_held_by_the_rules_that_it_meets(counter: Counter) -> None:
    """One of 4,228.87, by each rule alone; goods for the vault, and others, by none."""
    at_home = {"billing_address": BOSTON}
    to_concord = {"billing_address": NEW_HAMPSHIRE}
    for rules, request, reasons in (
        (OrderReviewRules(), to_concord, []),
        (OrderReviewRules(addresses_differ_from=usd("4000")), at_home, []),
        (OrderReviewRules(addresses_differ_from=usd("4000")), to_concord, ["addresses_differ"]),
        (OrderReviewRules(first_order_from=usd("4000")), at_home, ["first_large_order"]),
        (OrderReviewRules(orders_per_day=4), at_home, ["many_orders"]),
    ):
        with fixed_settings(rules):
            order = counter.ship(**request)
        assert list(order.hold_reasons) == reasons
        assert order.status == ("on_hold" if reasons else "allocated")
        if reasons:
            counter.reject(order)
    with fixed_settings(OrderReviewRules(orders_per_day=1, first_order_from=usd("1"))):
        lock = counter.stall.lock(counter.buyer, counter.coins)
        assert counter.stall.buy(counter.buyer, lock).status == "allocated"


def test_released_order_is_sold_as_any_and_a_rejected_one_gives_all_back(counter: Counter) -> None:
    order = held(counter)
    total = str(order.total)
    assert (order.payment.status, order.paid_at, order.cancel_reason) == ("processing", None, None)
    assert counter.coins.free() == 9
    sold = counter.release(order)
    plain = counter.ship()
    assert postings_of(counter.database, sold.public_id) == postings_of(
        counter.database, plain.public_id
    )
    assert [(str(each.status), each.evidence) for each in sold.events] == [
        ("on_hold", None), ("allocated", REASON),
    ]  # fmt: skip
    left = str(usd("20000") - order.total - plain.total)
    rejected = counter.reject(held(counter))
    assert counter.outcome(rejected) == ("cancelled", "rejected", left, 8)
    for ended in (sold, rejected):
        with pytest.raises(OrderNotOnHold):
            counter.release(ended)
        with pytest.raises(OrderNotOnHold):
            counter.reject(ended)
    assert str(sold.total) == total
    assert_sound(counter)


def test_customer_cancels_an_order_on_hold(counter: Counter) -> None:
    order = held(counter)
    with counter.database.transaction() as session:
        waiting_orders.cancel(session, counter.buyer, order.id)
    assert counter.outcome(counter.now(order)) == ("cancelled", "customer", "20000.00", 10)


def test_order_of_a_member_of_staff_is_decided_by_another_one_with_a_reason(
    counter: Counter,
) -> None:
    order = held(counter)
    own = replace(counter.officer, user_id=counter.buyer.user_id)
    with pytest.raises(OwnOrder):
        counter.release(order, own)
    with counter.database.transaction() as session, pytest.raises(Invalid):
        held_orders.reject(session, counter.officer, order.id, reason="no")
    assert counter.now(order) == order


def test_large_order_is_released_by_two_people(counter: Counter, people: People) -> None:
    order = held(counter)
    with (
        fixed_settings(OrderReviewRules(approval_from=order.total)),
        counter.database.transaction() as session,
    ):
        approval_id = order_release.release(session, counter.officer, order.id, reason=REASON)
    assert counter.now(order).status == "on_hold"
    with pytest.raises(SelfApproval):
        approve(counter.database, counter.officer, approval_id)
    approve(counter.database, people.staff(Role.ADMIN), approval_id)
    assert counter.now(order).status == "allocated"


def test_money_of_a_transfer_is_kept_while_its_order_is_on_hold(
    database: Database, people: People
) -> None:
    """The hold begins once the money is there; it cannot be withdrawn meanwhile."""
    later = LaterBuyer.create(database, people)
    counter = Counter(later.stall, later.buyer, later.coins, people.staff(Role.COMPLIANCE))
    with fixed_settings(OrderReviewRules(first_order_from=usd("1"))):
        first, second = (
            counter.ship(billing_address=BOSTON, payments=(BY_TRANSFER,)) for _ in range(2)
        )
    assert first.status == "pending_payment"
    for name, order in (("first", first), ("second", second)):
        later.pay(order)
        later.receive(name, str(order.total))
        later.advance(order)
    assert [str(counter.now(each).status) for each in (first, second)] == ["on_hold", "on_hold"]
    assert later.payer.held_cents() == (first.total + second.total).units
    assert later.message_kinds()[-1] == "goods_order_held"
    assert counter.release(first).status == "allocated"
    rejected = counter.reject(second)
    assert (rejected.cancel_reason, later.payer.held_cents()) == ("rejected", 0)
    assert later.balances == {"USD": str(usd("500") + second.total)}
    assert_sound(counter)


def test_order_to_a_name_like_a_listed_one_waits_for_the_decision_about_it(
    counter: Counter,
) -> None:
    order = counter.ship(LISTED)
    assert (order.status, order.hold_reasons) == ("on_hold", ("screening",))
    with pytest.raises(ScreeningUndecided):
        counter.release(order)
    with counter.database.reading() as session:
        effect = describe_effect(session, order.public_id)
    assert effect.match.startswith("Rejects the order of 4,")
    assert effect.no_match.startswith("Lets the order of 4,")
    assert counter.decide(order, "not_a_match").status == "allocated"
    # The same recipient of this customer passes from now on.
    assert counter.ship(LISTED).status == "allocated"


def test_order_that_another_rule_holds_stays_on_hold_when_its_recipient_is_clear(
    counter: Counter,
) -> None:
    order = held(counter, LISTED)
    assert order.hold_reasons == ("screening", "first_large_order")
    assert counter.decide(order, "not_a_match").status == "on_hold"
    assert counter.release(order).status == "allocated"


def test_nothing_is_sent_to_a_listed_recipient_and_the_refusal_says_no_reason(
    counter: Counter,
) -> None:
    order = counter.ship(LISTED)
    rejected = counter.decide(order, "true_match")
    assert counter.outcome(rejected) == ("cancelled", "rejected", "20000.00", 10)
    with pytest.raises(RecipientBlocked) as refused:
        counter.ship(LISTED)
    assert "sanction" not in f"{refused.value.title} {refused.value.detail}".lower()
    with counter.database.reading() as session:
        recorded = read_values(
            session,
            AuditRecord.outcome,
            AuditRecord.actor_id == counter.buyer.user_id,
            AuditRecord.action == AuditAction.GOODS_ORDER_PLACED,
        )
    assert recorded == [AuditOutcome.DONE, AuditOutcome.DENIED]
    assert counter.coins.free() == 9  # its price lock keeps one


def test_order_that_is_not_reviewed_in_time_is_cancelled_after_one_reminder(
    counter: Counter,
) -> None:
    order, listed = held(counter), held(counter, LISTED)
    both = [str(each.number) for each in (order, listed)]

    def poll(days: int) -> list[str]:
        """Poll so many days later, and return the orders of which the officer was reminded."""
        with time_machine.travel(clock.now() + timedelta(days=days, hours=1)):
            with counter.database.transaction() as session:
                poll_orders(session)
            run_pending_jobs(counter.database, "shop.end_review")
        with counter.database.reading() as session:
            return [
                number
                for (number,) in session.rows(
                    "SELECT args -> 'values' ->> 'number' FROM outbox WHERE args ->> 'user_id' = %s"
                    " AND args ->> 'kind' = 'order_review_due' ORDER BY id",
                    (str(counter.officer.user_id),),
                )
                if number in both
            ]

    assert (poll(5), poll(6), poll(6)) == ([], both, both)
    assert counter.now(order).status == "on_hold"
    assert poll(7) == both
    left = counter.outcome(counter.now(listed))
    assert counter.outcome(counter.now(order))[:2] == ("cancelled", "review_late")
    assert left == ("on_hold", None, "20000.00", 9)
    assert_sound(counter)
