"""A branch that sells: goods on its shelves at prices of its own, and customers who lock them."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.access import Actor
from app.access.consents import POLICIES
from app.branches import service as branches
from app.branches.service import BranchDetails
from app.catalog.rules import USD
from app.kit import clock
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.shop.checkout import service as checkout
from app.shop.checkout.invoices import CheckoutRequest
from app.shop.checkout.rules import RequestedPayment
from app.shop.locks import service as locks
from app.shop.locks.queries import PriceLock
from app.shop.locks.service import LockRequest
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderPaymentMethod
from app.tax.assessment import Delivery
from tests import sanctions
from tests.people import People, set_prices
from tests.shop.sales_range import SalesRange, tier
from tests.vault.goods import Goods, open_location

#: New Hampshire has no sales tax; Massachusetts taxes bars and coins of less than 1,000 dollars.
NEW_HAMPSHIRE = PostalAddress(
    "US", "1 Main Street", city="Concord", state="NH", zip_code="03301", state_code="NH"
)
BOSTON = PostalAddress(
    "US", "1 Beacon Street", city="Boston", state="MA", zip_code="02108", state_code="MA"
)
BY_BALANCE = (RequestedPayment("payment", OrderPaymentMethod.BALANCE, USD),)


@dataclass(frozen=True)
class Stall:
    """A branch in New Hampshire with a shelf, and customers."""

    people: People
    range: SalesRange
    branch_id: UUID

    @classmethod
    def open(cls, people: People, address: PostalAddress = NEW_HAMPSHIRE) -> "Stall":
        """Open one, with gold at 4,000 and silver at 50 dollars."""
        set_prices(people.database, AU="4000", AG="50")
        # Without a list, no order that leaves is sold.
        sanctions.import_sample_list_once(people.database)
        branch_id = people.branch()
        with people.database.transaction() as session:
            branches.change_details(
                session,
                None,
                branch_id,
                BranchDetails("A stall", address, "", "America/New_York", offers_pickup=True),
            )
        return cls(people, SalesRange(people.database), branch_id)

    @property
    def database(self) -> Database:
        return self.people.database

    def coins(self, units: int = 10, **product: str) -> Goods:
        """Put coins of an ounce of gold on a new shelf, five percent above their metal."""
        sku = self.range.add(tier("5"), **{"fine": "1", **product})
        goods = Goods(self.database, sku, open_location(self.people, self.branch_id))
        goods.receive(units=str(units), cost=f"{units * 4100}.00", spot="4000")
        return goods

    def buyer(self, **amounts: str) -> Actor:
        """Return a new customer with these amounts, who has accepted the policies."""
        accepted = frozenset(policy.name_version(policy.version) for policy in POLICIES.values())
        return replace(self.people.customer(**amounts), accepted=accepted)

    def lock(self, buyer: Actor, *goods: Goods, quantity: int = 1, **request: Any) -> PriceLock:
        """Lock prices and units of these goods for a customer."""
        items = [(each.sku, quantity) for each in goods]
        with self.database.transaction() as session:
            return locks.lock_prices(session, buyer, LockRequest(items, **request))

    def buy(self, buyer: Actor, lock: PriceLock, **request: Any) -> GoodsOrder:
        """Check out into the vault by the dollar balance, unless the request says otherwise."""
        wanted = CheckoutRequest(lock.id, Delivery.VAULT, BY_BALANCE)
        with self.database.transaction() as session:
            return checkout.check_out(session, buyer, replace(wanted, **request))

    def units(self, goods: Goods) -> dict[str, int]:
        """Return the units for sale, reserved or not, and those of customers, on the shelf."""
        return {
            "available": goods.in_state(AccountClass.STOCK_AVAILABLE),
            "allocated": goods.in_state(AccountClass.STOCK_ALLOCATED),
        }

    def earned(self) -> dict[str, str]:
        """Return what the branch earned and owes, in dollars, by class of account."""
        with self.database.reading() as session:
            found = {
                each.account_class: -each.units
                for each in ledger_queries.account_balances(session)
                if each.owner_id == self.branch_id
                and each.asset == USD.code
                and each.account_class
                in {
                    AccountClass.SALES_PREMIUM,
                    AccountClass.SALES_PREMIUM_COST,
                    AccountClass.SALES_SHIPPING,
                    AccountClass.SALES_INSURANCE,
                    AccountClass.SALES_TAX,
                }
            }
        return {name: str(Amount(USD, units)) for name, units in found.items() if units}


def proven(buyer: Actor) -> Actor:
    """Return the customer just after signing in."""
    return replace(buyer, proven_at=clock.now())
