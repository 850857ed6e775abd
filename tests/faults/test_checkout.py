"""Orders that a card or a bank transfer pays, while our process dies at any step and each call of a
provider fails before or after its effect.

An order has one of two honest ends: its goods are sold by one entry, or it is cancelled and all
that it kept is free again. What was paid is in the balance or in the goods, to the cent, a card is
never captured for an order that has ended, and the customer gets one message.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from random import Random

import pytest
import time_machine

from app.catalog.rules import USD, XAU, PaymentMethod
from app.fulfillment.errors import CancelWindowClosed
from app.funding import poll
from app.funding.deposits import service as deposits
from app.funding.fees import PaymentFees
from app.funding.limits import PaymentLimits
from app.funding.ports import Payment, PaymentRails, PaymentState
from app.jobs.dispatch import execute_job
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.kit.ports import provide
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.outbox.rules import Backoff
from app.reconciliation.invariants import find_violations
from app.shop.checkout import kept_orders, waiting_orders
from app.shop.checkout.rules import OrderPaymentRules, RequestedPayment
from app.shop.locks.queries import PriceLock
from app.shop.locks.rules import LockSettings
from app.shop.orders import queries as orders_queries
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderPaymentMethod, OrderStatus
from app.trading.errors import QuoteUsed
from tests.drill import IS_FULL_SIZE, choose_size, rounds, seeded_random
from tests.faults.dying_process import DyingProcess
from tests.fixed_settings import fixed_settings
from tests.paying_customer import usd
from tests.people import People, set_prices
from tests.scripted_rails import CallFault, ProcessKilled, ScriptedCardRail
from tests.shop.paid_later import LaterBuyer, part
from tests.vault.goods import Goods

Record = Callable[[str, object], None]
BALANCE, METAL = OrderPaymentMethod.BALANCE, OrderPaymentMethod.METAL
CARD, TRANSFER = OrderPaymentMethod.CARD, OrderPaymentMethod.BANK_TRANSFER
#: About as many trips as a round makes; in a drill each is the last one, before and after.
TRIPS = 100
ROUNDS = choose_size(20, 4 * TRIPS)
TURNS = 3
#: Until an order is late. All rounds end before the customer's verification does, after two years.
LATE_AFTER = {CARD: timedelta(hours=2), TRANSFER: timedelta(days=3, hours=1)}
#: More than jobs that stage each other need.
PASSES_MAX = 8
#: The cause of holds that stand for what the customer spends.
SPENT = "spent"
JOBS = [
    "funding.advance_deposit", "funding.look_for_arrivals", "funding.release_payment",
    "shop.deposit_ended", "shop.advance_order",
]  # fmt: skip
#: No limit ends the rounds.
SETTINGS = (
    PaymentFees(),
    PaymentLimits(
        card_payments_per_day=1000,
        card_failures_per_hour=100,
        card_per_day=Amount(USD, 1_000_000_00),
        card_per_week=Amount(USD, 7_000_000_00),
        transfers_open=100,
    ),
    OrderPaymentRules(transfer_days=1, waiting_max=100, unpaid_per_day=1000),
    LockSettings(unused_per_hour=10_000),
)


@dataclass
class WatchedRail(ScriptedCardRail):
    """A card rail whose customers confirm payments."""

    #: Is called with the reference of each payment before it is captured.
    watch: Callable[[str], None] = lambda _reference: None

    def capture(self, provider_ref: str, reference: str) -> Payment:
        self.watch(reference)
        return super().capture(provider_ref, reference)

    def confirm(self, reference: str) -> None:
        """Let the customer confirm a payment, if it waits for that."""
        for ref, payment in self.payments_by_ref.items():
            if payment.reference == reference and payment.state is PaymentState.PENDING:
                self.payments_by_ref[ref] = replace(payment, state=PaymentState.AUTHORISED)

    def states(self, reference: str) -> list[PaymentState]:
        """Return the states of the payments with this reference."""
        return [each.state for each in self.payments_by_ref.values() if each.reference == reference]


@dataclass
class Shop:
    """A customer with money and metal, and what happens to their orders."""

    later: LaterBuyer
    process: DyingProcess
    clock: time_machine.Traveller
    rail: WatchedRail
    #: What was wrong.
    problems: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    #: What was credited so far, in cents.
    arrived: int = 0

    def __post_init__(self) -> None:
        self.rail.watch = self._check_capture

    @property
    def database(self) -> Database:
        return self.later.database

    def play(
        self, chances: Random, method: OrderPaymentMethod, trip: int, *, is_sent: bool
    ) -> None:
        """Let an order be placed, and paid or not, while the process dies at this trip."""
        set_prices(self.database, AU="4000", AG="50")
        coins = self.later.stall.coins(1)
        lock = self.later.stall.lock(self.later.buyer, coins)
        before, earlier_count = self._money(), len(self.later.message_kinds())
        payments = [part(method)]
        if chances.random() < 0.5:
            metal = part(METAL, Amount.parse(XAU, "0.1"), asset=XAU)
            payments = [metal, part(BALANCE, usd("100.00")), *payments]
        self.rail.created_state = chances.choice([PaymentState.AUTHORISED, PaymentState.PENDING])
        # Only a new payment is declined: the repetition of one that was made is recognised.
        first = chances.choice([None, *CallFault])
        others = [None, *(each for each in CallFault if each is not CallFault.REFUSED)]
        faults = [first, *chances.choices(others, [5, 1, 1, 1, 1, 1], k=3)]
        self.rail.faults, self.later.payer.bank.faults = list(faults), list(faults)
        self.process.die_at(trip, is_sent=is_sent)
        order = self._place(lock, payments)
        happens = chances.choices([self._cancel, self._wait, self._spend, self._pay], [1, 1, 1, 4])
        at = chances.randrange(TURNS)
        for turn in range(TURNS):
            self._survive(self._work)
            if turn == at:
                self._survive(partial(happens[0], order, chances))
        left = self.later.payer.bank.faults if method is TRANSFER else self.rail.faults
        self.faults += sum(fault is not None for fault in faults[: len(faults) - len(left)])
        self._finish(order)
        self._check(order, coins, before, earlier_count)

    def _survive(self, act: Callable[[], object]) -> None:
        """Do something, and start the process again if it dies."""
        try:
            act()
        except ProcessKilled:
            self.process.start()

    def _place(self, lock: PriceLock, payments: Sequence[RequestedPayment]) -> GoodsOrder:
        """Place the order, again if the process dies: the lock is taken once."""
        buyer = self.later.buyer
        for _ in range(2):
            with suppress(ProcessKilled, QuoteUsed):
                self.later.stall.buy(buyer, lock, payments=payments)
            self.process.start()
        with self.process.unwatched(), self.database.reading() as session:
            order_id = session.value("SELECT id FROM shop_orders WHERE lock_id = %s", (lock.id,))
            return orders_queries.get_order(session, order_id, user_id=buyer.user_id)

    def _work(self) -> bool:
        """Run the polls and all pending jobs, once each; return whether there were any."""
        with self.process.unwatched(), self.database.transaction() as session:
            session.send(
                "UPDATE deposits SET looked_at = looked_at - interval '1 hour'"
                " WHERE status IN ('requested', 'unknown', 'pending')"
            )
        with self.database.transaction() as session:
            poll.poll_payments(session)
            waiting_orders.stage_due(session)
        with self.process.unwatched(), self.database.reading() as session:
            jobs = session.rows(
                "SELECT id FROM outbox WHERE task = ANY (%s) AND done_at IS NULL ORDER BY id",
                (JOBS,),
            )
        for (job_id,) in jobs:
            execute_job(self.database, job_id, Backoff(tries_max=1000))
        return bool(jobs)

    def _cancel(self, order: GoodsOrder, _chances: Random) -> None:
        with suppress(CancelWindowClosed):
            self.later.cancel(order)

    def _wait(self, order: GoodsOrder, _chances: Random) -> None:
        self.clock.shift(LATE_AFTER[order.payments[-1].method])

    def _spend(self, order: GoodsOrder, chances: Random) -> None:
        """Pay, and spend at once what is available."""
        self._pay(order, chances)
        self._work()
        with self.process.unwatched(), self.database.transaction() as session:
            available = self._available(session)
            if available:
                ledger.place_hold(
                    session,
                    hold_id=ids.new(),
                    account=chart.customer(self.later.buyer.user_id, USD),
                    amount=available,
                    cause=SPENT,
                    placed_at=clock.now(),
                    expires_at=clock.now() + timedelta(hours=1),
                )

    def _available(self, session: Session) -> Amount:
        balances = ledger_queries.customer_balances(session, self.later.buyer.user_id)
        [dollars] = [each for each in balances if each.asset == USD.code]
        return Amount(USD, dollars.posted - dollars.held)

    def _pay(self, order: GoodsOrder, chances: Random) -> None:
        """Confirm the card payment, or transfer all of the money or half of it."""
        with self.process.unwatched():
            deposit = self.later.now(order).payment.deposit
        assert deposit is not None
        if deposit.method is PaymentMethod.CARD:
            self.rail.confirm(deposit.public_id)
        elif deposit.instructions:
            units = deposit.requested_amount.units
            sent = Amount(USD, chances.choice([units, units, units // 2]))
            self.later.receive(f"in_{order.id}", str(sent))

    def _finish(self, order: GoodsOrder) -> None:
        """Let everything end that is still under way, without faults."""
        self.process.start(for_good=True)
        self.rail.faults, self.later.payer.bank.faults = [], []
        self._work()
        # What is left waits for its customer: its time is over.
        self.clock.shift(LATE_AFTER[order.payments[-1].method])
        with self.database.transaction() as session:
            ledger.expire_due_holds(session)
        for _ in range(PASSES_MAX):
            if not self._work():
                break
        self.ends[str(self.later.now(order).cancel_reason or "sold")] += 1

    def _money(self) -> dict[str, int]:
        """Return what the customer has, held or not."""
        with self.process.unwatched(), self.database.reading() as session:
            balances = ledger_queries.customer_balances(session, self.later.buyer.user_id)
        return {each.asset: each.posted for each in balances}

    def _check_capture(self, reference: str) -> None:
        """Note a capture that begins although the order has ended."""
        with self.process.unwatched(), self.database.reading() as session:
            rows = session.rows(
                "SELECT status FROM shop_orders WHERE deposit_id = %s",
                (ids.decode(deposits.PREFIX, reference),),
            )
        if (OrderStatus.CANCELLED,) in rows:
            self.problems.append(f"{reference} is captured although its order was cancelled")

    def _check(
        self, order: GoodsOrder, coins: Goods, before: dict[str, int], earlier_count: int
    ) -> None:
        """Compare money, goods and messages with those of one of the two ends."""
        ended = self.later.now(order)
        is_sold = ended.status is OrderStatus.ALLOCATED
        expected = Counter(before)
        with self.database.reading() as session:
            arrived = session.rows(
                "SELECT coalesce(sum(credited_units - fee_units), 0) FROM deposits"
                " WHERE user_id = %s AND status = 'credited'",
                (self.later.buyer.user_id,),
            )
            entries = session.rows(
                "SELECT count(*) FROM entries WHERE reference = %s", (order.public_id,)
            )
        [(total,)], [(sales,)] = arrived, entries
        expected[USD.code] += int(total) - self.arrived
        self.arrived = int(total)
        if is_sold:
            for payment in ended.payments:
                expected[payment.asset] -= payment.units
        deposit = ended.payment.deposit
        assert deposit is not None
        states = self.rail.states(deposit.public_id)
        charged = {PaymentState.PAID} if deposit.status == "credited" else {PaymentState.FAILED}
        is_card = deposit.method is PaymentMethod.CARD
        facts = {
            "status": (str(ended.status), is_sold or ended.status is OrderStatus.CANCELLED),
            "money": (self._money(), self._money() == +expected),
            "held": (self.later.payer.held_cents(), self.later.payer.held_cents() == 0),
            "free coins": (coins.free(), coins.free() == 1 - is_sold),
            "entries": (sales, sales == is_sold),
            "messages": (
                self.later.message_kinds()[earlier_count:],
                self._has_one_message(is_sold, earlier_count),
            ),
            "card": (states, not is_card or (len(states) <= 1 and set(states) <= charged)),
        }
        self.problems += [
            f"{order.public_id} {ended.cancel_reason}: {name} {found}"
            for name, (found, is_right) in facts.items()
            if not is_right
        ]

    def _has_one_message(self, is_sold: bool, earlier_count: int) -> bool:
        news = [
            kind
            for kind in self.later.message_kinds()[earlier_count:]
            if kind != "goods_order_waiting"
        ]
        return news == ["goods_order_paid" if is_sold else "goods_order_cancelled"]


@pytest.fixture
def shop(database: Database, people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with time_machine.travel(clock.now()) as traveller:
        later, rail = LaterBuyer.create(database, people), WatchedRail()
        later.payer.cards = rail
        provide(PaymentRails, PaymentRails({PaymentMethod.CARD: rail}))
        later.add("XAU-s", "1000")
        later.add("USD", "200000")
        with fixed_settings(*SETTINGS):
            yield Shop(later, DyingProcess(monkeypatch), traveller, rail)


@pytest.mark.drill(name="checkout")
@pytest.mark.timeout(choose_size(120, 7_200))
def test_order_has_an_honest_end_wherever_the_process_dies(
    shop: Shop, record_property: Record
) -> None:
    chances = seeded_random("checkout")
    for number in rounds(ROUNDS, "orders by card and transfer"):
        trip = number // 4 % TRIPS + 1 if IS_FULL_SIZE else chances.randint(1, TRIPS)
        method = (CARD, TRANSFER)[number % 2]
        shop.play(chances, method, trip, is_sent=number // 2 % 2 == 1)
        assert shop.problems == []
    with shop.database.reading() as session:
        assert find_violations(session) == []
    assert shop.ends["sold"] > 0
    assert len(shop.ends) > 1
    ends = ", ".join(f"{count} {name}" for name, count in sorted(shop.ends.items()))
    record_property(
        "evidence",
        f"{ROUNDS} orders by card and transfer, the process killed {shop.process.deaths} times, in"
        f" every step before and after its effect, {shop.faults} calls of providers failed: {ends}."
        " Money and goods agree to the cent, and each order had one message.",
    )


@pytest.mark.drill(name="checkout")
def test_control_order_that_forgets_its_deposit_is_caught(
    shop: Shop, record_property: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_orders.deposits, "give_up", lambda _session, _deposit_id: None)
    shop.rail.created_state = PaymentState.PENDING
    order = shop.later.order()
    shop.later.pay(order)
    shop.later.cancel(order)
    deposit = shop.later.now(order).payment.deposit
    assert deposit is not None
    shop.rail.confirm(deposit.public_id)
    shop.later.pay(order)
    assert shop.problems == [f"{deposit.public_id} is captured although its order was cancelled"]
    record_property(
        "evidence",
        "Control: an order that is cancelled without its deposit was caught by the same checks.",
    )
