"""An order that a card or a bank transfer pays, with real workers, of which one is killed between
payment and allocation: it has the money and has not sold the goods."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from app.funding.poll import poll_payments
from app.kit import ids
from app.kit.db import Database
from app.kit.tasks import Queue
from app.reconciliation.invariants import find_violations
from tests import sanctions
from tests.api_client import ApiClient
from tests.faults.conftest import JobBench, WorkerProcesses, wait_until
from tests.paying_customer import verify_without_evidence
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.shop.stall import Stall
from tests.vault.goods import Goods, postings_of

PAYMENTS = {
    "card": {"method": "card", "paymentMethod": "pm_card_visa"},
    "bank_transfer": {"method": "bank_transfer"},
}
#: A worker that waits for the row of an order.
_WAITING = """
SELECT FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND query LIKE '%FROM shop_orders%FOR UPDATE%'
    AND datname = current_database()
"""
#: What there is of an order that happens once: its entry, its invoice, and its message.
_COUNTS = """
SELECT (SELECT count(*) FROM entries WHERE reference = %(order)s),
    (SELECT count(*) FROM sales_documents WHERE subject = %(order)s),
    (SELECT count(*) FROM outbox WHERE task = 'messages.deliver'
        AND args ->> 'event_key' = 'goods_order_paid:' || %(order)s)
"""


@dataclass
class Shop:
    """A customer with a coin to buy, the bank, the card processor, and our worker processes."""

    me: ApiClient
    stall: Stall
    coins: Goods
    sandbox: Sandbox
    processes: WorkerProcesses

    @property
    def database(self) -> Database:
        return self.stall.database

    def check_out(self, payment: dict[str, str]) -> str:
        """Lock and check out a coin; return the id of the order."""
        items = {"items": [{"sku": self.coins.sku, "quantity": 1}]}
        quote = self.me.ok(201, self.me.post("/api/shop/lock-quote", items))["quoteId"]
        body = {"quoteId": quote, "destination": "vault", "payment": payment}
        return str(self.me.ok(201, self.me.post("/api/shop/checkout", body))["order"]["id"])

    def order(self, order_id: str) -> dict[str, Any]:
        order: dict[str, Any] = self.me.ok(200, self.me.get(f"/api/shop/orders/{order_id}"))
        return order["order"]

    def let_time_pass(self) -> None:
        """Deliver webhooks, and look at payments as if a minute had passed."""
        with self.database.transaction() as session:
            session.send("UPDATE deposits SET looked_at = looked_at - interval '1 minute'")
            poll_payments(session)
        self.sandbox.deliver_webhooks(self.me.app.test_client())

    def is_credited(self, order_id: str) -> bool:
        """Let time pass, transfer what is waited for, and return whether the money has arrived."""
        self.let_time_pass()
        with self.database.reading() as session:
            return (
                session.value(
                    "SELECT status FROM deposits"
                    " WHERE id = (SELECT deposit_id FROM shop_orders WHERE id = %s)",
                    (ids.decode("ord", order_id),),
                )
                == "credited"
            )

    def pay(self, order_id: str) -> None:
        """Transfer the money of an order once it says where to."""
        wait_until(lambda: self.order(order_id)["payment"]["transferTo"])
        payment = self.order(order_id)["payment"]
        self.sandbox.call_control(
            "bank",
            "/arrivals",
            account_number=payment["transferTo"]["accountNumber"],
            amount=payment["amount"],
        )

    def kill_while_it_allocates(self, order_id: str) -> None:
        """Start a worker of the books, and kill it once it has begun to sell the goods."""
        with self.database.transaction() as session:
            session.rows(
                "SELECT FROM shop_orders WHERE id = %s FOR UPDATE", (ids.decode("ord", order_id),)
            )
            worker = self.processes.start("work", Queue.LEDGER)
            wait_until(self._is_waited_for)
            worker.kill()
            worker.join()

    def _is_waited_for(self) -> bool:
        # In a transaction of its own, which sees what there is now.
        with self.database.reading() as session:
            return bool(session.rows(_WAITING))


@pytest.fixture
def shop(
    app: Flask,
    job_bench: JobBench,
    worker_processes: WorkerProcesses,
    sandbox: Sandbox,
    people: People,
) -> Shop:
    sanctions.import_sample_list(job_bench.database)
    stall, me = Stall.open(people), ApiClient(app)
    me.register()
    me.credit()
    verify_without_evidence(job_bench.database, me.user_id)
    return Shop(me, stall, stall.coins(2), sandbox, worker_processes)


@pytest.mark.parametrize("method", PAYMENTS)
def test_order_is_allocated_once_though_its_worker_was_killed_before(
    shop: Shop, method: str
) -> None:
    shop.processes.start("relay")
    shop.processes.start("work")
    order_id = shop.check_out(PAYMENTS[method])
    if method == "bank_transfer":
        shop.pay(order_id)
    wait_until(lambda: shop.is_credited(order_id))
    shop.kill_while_it_allocates(order_id)
    waiting = shop.order(order_id)
    assert (waiting["status"], shop.stall.units(shop.coins)) == (
        "pending_payment", {"available": 2, "allocated": 0},
    )  # fmt: skip
    assert shop.coins.free() == 1

    shop.processes.start("work", Queue.LEDGER)
    wait_until(lambda: shop.order(order_id)["status"] == "allocated")
    assert shop.stall.units(shop.coins) == {"available": 1, "allocated": 1}
    assert shop.me.available_balances() == {}
    assert postings_of(shop.database, order_id)["customer.goods", shop.coins.sku] == "-1"
    with shop.database.reading() as session:
        assert session.row(_COUNTS, {"order": order_id}) == (1, 1, 1)
        assert find_violations(session) == []
