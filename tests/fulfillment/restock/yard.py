"""Suppliers, shelves and people that restock, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.access import Actor, Role
from app.catalog.rules import USD
from app.fulfillment.restock.invoices import queries as invoices_queries
from app.fulfillment.restock.invoices import service as invoices
from app.fulfillment.restock.invoices.queries import InvoiceRow
from app.fulfillment.restock.needs import queries as needs_queries
from app.fulfillment.restock.needs import service as needs
from app.fulfillment.restock.needs.queries import NeedRow
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.purchase_orders.queries import PurchaseRow
from app.fulfillment.restock.purchase_orders.service import AgreedCost
from app.fulfillment.restock.receiving import service as receiving
from app.fulfillment.restock.receiving.service import ArrivedGoods
from app.fulfillment.restock.suppliers import queries as suppliers_queries
from app.fulfillment.restock.suppliers import service as suppliers
from app.fulfillment.restock.suppliers.service import SupplierTerms
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount
from app.vault.reorder_points import service as reorder_points
from tests.people import People
from tests.vault.goods import Goods


@dataclass(frozen=True)
class Yard:
    """A clerk, a person who approves, and a supplier of the product at a location."""

    database: Database
    clerk: Actor
    checker: Actor
    goods: Goods
    supplier_id: UUID

    @classmethod
    def open(cls, people: People, *, provider: str | None = None, **terms: str) -> "Yard":
        """Add a supplier of a new product, of which two units are at a new location. It is low
        below 5 units there, and its shelf takes 20."""
        goods = Goods.at_a_new_location(people)
        goods.receive(units="2", cost="7980.00")
        clerk = people.staff(Role.INVENTORY)
        supplier_id = add_supplier(people.database, provider=provider, **terms)
        yard = cls(people.database, clerk, people.staff(Role.ADMIN), goods, supplier_id)
        yard.sell_product(goods)
        return yard

    def sell_product(self, goods: Goods, *, code: str = "", fill_to: str = "20") -> None:
        """Let the supplier sell a product under a code."""
        with self.database.transaction() as session:
            suppliers.set_product(
                session, self.clerk, self.supplier_id, sku=goods.sku, code=code or f"C-{goods.sku}"
            )
            reorder_points.set_reorder_point(
                session,
                self.clerk,
                goods.sku,
                location=goods.location.code,
                reorder_below="5",
                fill_to=fill_to,
            )

    def needs(self) -> list[NeedRow]:
        """Bring needs up to date; return the open ones of the location."""
        with self.database.transaction() as session:
            needs.refresh(session)
            here = self.goods.location.id
            return [
                need for need in needs_queries.list_open_needs(session) if need.location_id == here
            ]

    def order(self, units: int | None = None) -> PurchaseRow:
        """Order units of the product by hand; all that is needed, without a number."""
        with self.database.transaction() as session:
            if units is None:
                order_id = purchases.order_needs(
                    session,
                    self.clerk,
                    supplier_id=self.supplier_id,
                    location_id=self.goods.location.id,
                )
            else:
                [order_id] = purchases.order_by_hand(
                    session,
                    self.clerk,
                    location=self.goods.location.code,
                    units_by_sku={self.goods.sku: units},
                )
        return self.now(order_id)

    def now(self, order_id: UUID) -> PurchaseRow:
        """Return a purchase order as it is now."""
        with self.database.reading() as session:
            return purchases_queries.get_purchase(session, order_id)

    def confirm(self, order: PurchaseRow, cost: str, *, spot: str = "4000") -> PurchaseRow:
        """Record that the supplier took the order at a cost of all units of the product."""
        costs = {self.goods.sku: AgreedCost(Amount.parse(USD, cost), Decimal(spot))}
        with self.database.transaction() as session:
            purchases.confirm(
                session, self.clerk, order.id, confirmation=ids.new().hex, costs=costs
            )
        return self.now(order.id)

    def receive(self, order: PurchaseRow, note: str, units: int, **arrival: str) -> PurchaseRow:
        """Receive units of the product with a delivery note."""
        with self.database.transaction() as session:
            receiving.receive(
                session,
                self.clerk,
                order.id,
                ArrivedGoods(self.goods.sku, note, str(units), **arrival),
            )
        return self.now(order.id)

    def bill(self, order: PurchaseRow, amount: str, *, number: str = "") -> UUID:
        """Record the invoice of today for what arrived of an order, and return its id."""
        with self.database.transaction() as session:
            return invoices.record_invoice(
                session,
                self.clerk,
                order.id,
                number=number or ids.new().hex,
                amount=amount,
                invoiced_on=clock.now().date(),
            )

    def invoice(self, invoice_id: UUID) -> InvoiceRow:
        """Return an invoice as it is now."""
        with self.database.reading() as session:
            return invoices_queries.get_invoice(session, invoice_id)

    def owed(self) -> Mapping[str, int]:
        """Return the ounces that suppliers owe, by asset."""
        with self.database.reading() as session:
            return purchases_queries.units_owed(session)


def add_supplier(database: Database, *, provider: str | None = None, **terms: str) -> UUID:
    """Add a supplier with a new name; that of a provider is one for all tests."""
    wanted = {
        "name": f"Mint {ids.new().hex[-12:]}", "email": "orders@mint.example.com",
        "payment_days": "30", "lead_days": "5", "minimum": "", "is_active": "yes",
    }  # fmt: skip
    with database.transaction() as session:
        if provider is not None:
            known = suppliers_queries.find_by_provider(session, provider)
            if known is not None:
                return known.id
        return suppliers.add_supplier(
            session, None, SupplierTerms(**wanted | terms), provider=provider
        )
