"""A customer who buys at a stall by card or bank transfer, through scripted rails."""

from dataclasses import dataclass, replace
from typing import Any

from app.access import Actor
from app.catalog.rules import USD
from app.funding.deposits import incoming_transfers
from app.kit.db import Database
from app.kit.money import Amount
from app.shop.checkout import waiting_orders
from app.shop.checkout.rules import RequestedPayment
from app.shop.orders import queries as orders_queries
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderPaymentMethod
from tests.paying_customer import PayingCustomer, create_paying_customer
from tests.people import People, credit
from tests.shop.stall import Stall
from tests.vault.goods import Goods

BY_CARD = RequestedPayment("payment", OrderPaymentMethod.CARD, USD, source="pm_card_visa")
BY_TRANSFER = RequestedPayment("payment", OrderPaymentMethod.BANK_TRANSFER, USD)


@dataclass(frozen=True)
class LaterBuyer:
    """A verified customer with 500 dollars, the stall, and its gold coins of 4,208.40."""

    stall: Stall
    payer: PayingCustomer
    buyer: Actor
    coins: Goods

    @classmethod
    def create(cls, database: Database, people: People) -> "LaterBuyer":
        stall, payer = Stall.open(people), create_paying_customer(database, people)
        buyer = replace(stall.buyer(), user_id=payer.actor.user_id)
        return cls(stall, payer, buyer, stall.coins())

    @property
    def database(self) -> Database:
        return self.stall.database

    def order(self, *payments: RequestedPayment, **request: Any) -> GoodsOrder:
        """Check out one coin into the vault, paid by card unless other payments are given."""
        lock = self.stall.lock(self.buyer, self.coins)
        return self.stall.buy(self.buyer, lock, payments=payments or (BY_CARD,), **request)

    def add(self, asset: str, amount: str) -> None:
        """Let the customer have more of an asset."""
        with self.database.transaction() as session:
            credit(session, self.buyer.user_id, amount, asset)

    def pay(self, order: GoodsOrder) -> None:
        """Let funding take its next step: ask the provider, and store what it says."""
        assert order.deposit_id is not None
        if order.payments[-1].method is OrderPaymentMethod.CARD:
            self.payer.advance_deposit(order.deposit_id)
        else:
            self.payer.fetch_transfers(order.deposit_id)

    def receive(self, name: str, amount: str) -> None:
        """Let a transfer to the customer's account arrive, as the bank's webhook reports it."""
        transfer = self.payer.receive_transfer(f"{name}_{self.buyer.user_id}", amount)
        bank = self.payer.bank
        with self.database.transaction() as session:
            incoming_transfers.record_transfer(session, bank.name, bank.provider_id, transfer)

    def advance(self, order: GoodsOrder) -> GoodsOrder:
        """Run the order's job, and return the order as it is then."""
        with self.database.transaction() as session:
            waiting_orders.advance(session, order.id)
        return self.now(order)

    def finish(self, order: GoodsOrder) -> GoodsOrder:
        self.pay(order)
        return self.advance(order)

    def cancel(self, order: GoodsOrder, actor: Actor | None = None) -> GoodsOrder:
        with self.database.transaction() as session:
            waiting_orders.cancel(session, actor or self.buyer, order.id)
        return self.now(order)

    def now(self, order: GoodsOrder) -> GoodsOrder:
        with self.database.reading() as session:
            return orders_queries.get_order(session, order.id, user_id=self.buyer.user_id)

    @property
    def free_units(self) -> int:
        """The coins that are neither sold nor reserved."""
        return self.coins.free()

    @property
    def balances(self) -> dict[str, str]:
        return self.payer.balances()

    def message_kinds(self) -> list[str]:
        """Return the kinds of the messages about orders, oldest first."""
        with self.database.reading() as session:
            return [
                kind
                for (kind,) in session.rows(
                    "SELECT args ->> 'kind' FROM outbox WHERE task = 'messages.deliver'"
                    " AND args ->> 'kind' LIKE 'goods_order%%' AND args ->> 'user_id' = %s"
                    " ORDER BY id",
                    (str(self.buyer.user_id),),
                )
            ]


def part(
    method: OrderPaymentMethod, amount: Amount | None = None, **other: Any
) -> RequestedPayment:
    """Return a payment of one of several; without an amount it pays the rest."""
    source = "pm_card_visa" if method is OrderPaymentMethod.CARD else ""
    asset = other.pop("asset", USD)
    return RequestedPayment(f"payments.{method}", method, asset, amount, source, **other)
