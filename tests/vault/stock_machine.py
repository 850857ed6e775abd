"""The machine that compares the vault with its model: set-up, verbs of goods, and the comparison.

After each step the units of every product at every location in every state, reservations, lots,
ounces and dollars of each branch, and the goods of customers are exactly the model's. A refusal
leaves every row unchanged, byte for byte.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from app.access import Actor
from app.catalog.products import queries as products_queries
from app.catalog.products import service as products
from app.catalog.products.queries import ProductSummary
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.db import Row, Session
from app.kit.errors import Refusal
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewReceipt
from app.vault.locations import queries as locations_queries
from app.vault.locations import service as locations
from app.vault.locations.queries import LocationSummary
from app.vault.locations.rules import LocationKind
from app.vault.lots.service import Goods
from app.vault.stock import service as stock
from app.vault.stock.service import SoldGoods
from tests.people import People
from tests.stateful_model import ModelMachine
from tests.vault.goods import EAGLE, post_sale
from tests.vault.shelves import Kind, Reasons, Shelf, Shelves

AT = datetime(2001, 1, 1, tzinfo=UTC)
#: Gold by its fine ounces, silver by its gross ones, copper by its fine ones; bars with serials.
PRODUCTS = {
    EAGLE: Kind("XAU-s", 100_000_000, "4000"),
    NewProduct(
        "", "Silver round, 1 oz", Metal.AG, ProductForm.ROUND, "1.001", "0.999",
        tax_class=TaxClass.BULLION,
    ): Kind("XAG-s", 100_100_000, "50"),
    NewProduct(
        "", "Copper bar, 1 kg", Metal.CU, ProductForm.BAR, "32.1507", "0.999",
        tax_class=TaxClass.COPPER,
    ): Kind("XCU-s", 3_211_854_930, "0.3"),
    NewProduct(
        "", "Gold bar, 1 kg", Metal.AU, ProductForm.BAR, "32.1507", "0.9999",
        tax_class=TaxClass.BULLION, is_serialized=True,
    ): Kind("XAU-s", 0, "4000"),
}  # fmt: skip
#: Two places of one branch, and one of another.
BRANCHES = [0, 0, 1]
BAR_PRODUCT = 3
SPOTS = ("3900", "48.517", "0.31", "4127.334455")
STATES = ("available", "quarantine", "in_transit", "allocated", "picked", "shipped")

_UNITS = """
SELECT a.asset, a.class, a.owner_id, b.posted, b.held, b.xmin::text
FROM accounts a JOIN balances b ON b.account_id = a.id
WHERE a.owner_id = ANY(%(goods)s) ORDER BY a.id
"""
_HOUSE = """
SELECT a.asset, a.class, a.owner_id, coalesce(r.units, 0) + coalesce((
           SELECT sum(p.units) FROM postings p JOIN entries e ON e.id = p.entry_id
           WHERE p.account_id = a.id AND e.xid >= (SELECT xid FROM rollup_watermark)), 0)
FROM accounts a LEFT JOIN rollups r ON r.account_id = a.id
WHERE a.owner_id = ANY(%(house)s) AND NOT a.guarded ORDER BY a.id
"""
_LOTS = """
SELECT sku, location_id, lot_id, units, premium_usd, xmin::text FROM lot_stock
WHERE location_id = ANY(%(goods)s) ORDER BY location_id, sku, lot_id
"""
_MOVEMENTS = """
SELECT location_id, lot_id, sum(units)::bigint, sum(premium_usd)::bigint FROM lot_movements
WHERE location_id = ANY(%(goods)s) GROUP BY location_id, lot_id ORDER BY location_id, lot_id
"""
_HOLDS = """
SELECT h.id, h.status, h.units, h.xmin::text FROM holds h JOIN accounts a ON a.id = h.account_id
WHERE a.owner_id = ANY(%(goods)s) ORDER BY h.id
"""

_BARS = """
SELECT b.serial, b.lot_id, b.location_id, b.state, b.owner_id, b.xmin::text FROM bars b
WHERE b.location_id = ANY(%(goods)s) ORDER BY b.lot_id
"""

shelves = st.builds(Shelf, st.integers(0, 2), st.integers(0, 2))
customers = st.integers(0, 1)
counts = st.integers(1, 9)
spots = st.sampled_from(SPOTS)
picks = st.integers(0, 1000)


def in_order(shelf: Shelf, kept: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return sorted(kept) if shelf.product == BAR_PRODUCT else kept


class StockMachine(ModelMachine):
    """Four products at three locations of two branches, and two customers."""

    people: ClassVar[People]
    #: Who asks for an adjustment, and who approves it.
    maker: ClassVar[Actor]
    checker: ClassVar[Actor]
    model: ClassVar[type[Shelves]] = Shelves
    products: list[ProductSummary]
    places: list[LocationSummary]

    @initialize()
    def start(self) -> None:
        self.shelves = self.model(list(PRODUCTS.values()), BRANCHES)
        code = f"M{uuid4().hex[:11].upper()}"
        branches = [self.people.branch(), self.people.branch()]
        self.customers = [self.people.customer().user_id for _ in range(2)]
        self.house = [*branches, chart.HOUSE]
        with self.database.transaction() as session:
            for number, branch in enumerate(BRANCHES):
                locations.open_location(
                    session,
                    None,
                    branch_id=branches[branch],
                    code=f"{code}-{number}",
                    name="A place of tests",
                    kind=LocationKind.VAULT,
                )
            self.places = [
                found
                for number in range(len(BRANCHES))
                if (found := locations_queries.find_location(session, f"{code}-{number}"))
            ]
            skus = [
                products.add_product(session, None, replace(product, sku=f"{code}-P{number}"))
                for number, product in enumerate(PRODUCTS)
            ]
            self.products = [
                found for sku in skus if (found := products_queries.find_product(session, sku))
            ]
        self.references = 0
        self.transfer_ids: list[UUID] = []
        self.bar_lots: dict[str, UUID] = {}
        self.used_holds = [uuid4()]
        self.rows = self.read()
        self.before = {row[:3]: row[3] for row in self.rows[1]}

    def read(self) -> list[list[Row]]:
        """Return everything that the verbs may change."""
        goods = [*(place.id for place in self.places), *self.customers]
        scope = {"goods": goods, "house": self.house}
        with self.database.reading() as session:
            return session.fetch(
                (_UNITS, scope),
                (_HOUSE, scope),
                (_LOTS, scope),
                (_MOVEMENTS, scope),
                (_HOLDS, scope),
                (_BARS, scope),
            )

    def reference(self) -> str:
        self.references += 1
        return f"{self.places[0].code}:{self.references}"

    def goods(self, shelf: Shelf, units: int, *lot_ids: UUID) -> Goods:
        return Goods(self.products[shelf.product], self.places[shelf.place], units, lot_ids)

    def stocked(self, shelf: Shelf, state: str) -> Shelf:
        """Return this shelf once in three times, else one with units in this state, if any has.

        Most shelves are empty, and refusals for that alone show little.
        """
        found = sorted(
            each
            for (each, kept), units in self.shelves.units.items()
            if kept == state and units and each.product != BAR_PRODUCT
        )
        is_kept = shelf.product == shelf.place or not found
        return shelf if is_kept else found[(3 * shelf.product + shelf.place) % len(found)]

    def attempt(self, reasons: Reasons, verb: Callable[[Session], object]) -> None:
        """Run the verb: it succeeds, or is refused for one of the reasons without effect."""
        self.tally["steps"] += 1
        refusal = None
        try:
            with self.database.transaction() as session:
                verb(session)
        except Refusal as raised:
            refusal = raised
            self.tally[type(refusal).__name__] += 1
        before, self.rows = self.rows, self.read()
        if refusal is not None:
            assert self.rows == before
        assert (type(refusal) in reasons) if reasons else (refusal is None), (refusal, reasons)

    @rule(
        shelf=shelves,
        units=counts,
        percent=st.integers(90, 115),
        spot=spots,
        number=st.integers(1, 60),
    )
    def receive(self, shelf: Shelf, units: int, percent: int, spot: str, number: int) -> None:
        """Receive a delivery, sometimes one that came before, now and then below its metal."""
        kind, note = self.shelves.kinds[shelf.product], f"{self.places[0].code}/{number}"
        cost = int(kind.ounces * units * Decimal(spot) * percent) // 10**8 + 1
        receipt = NewReceipt(
            self.products[shelf.product].sku,
            self.places[shelf.place].code,
            str(units),
            str(Amount(USD, cost)),
            spot,
            "Mint of tests",
            note,
        )
        self.attempt(
            self.shelves.receive(shelf, units, cost, spot, note),
            lambda session: deliveries.receive_goods(session, None, receipt),
        )

    @rule(shelf=shelves, units=counts)
    def reserve(self, shelf: Shelf, units: int) -> None:
        shelf, hold_id = self.stocked(shelf, "available"), ids.new()
        self.attempt(
            self.shelves.reserve(hold_id, shelf, units),
            lambda session: stock.reserve(
                session,
                self.goods(shelf, units),
                hold_id=hold_id,
                cause="model",
                placed_at=AT,
            ),
        )

    def pick_hold(self, pick: int) -> UUID:
        """Return a used hold once in six times, else a pending one if there is any."""
        holds = list(self.shelves.holds)
        used = pick % 6 == 0 or not holds
        return self.used_holds[pick % len(self.used_holds)] if used else holds[pick % len(holds)]

    @precondition(lambda self: self.shelves.holds)
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        hold_id = self.pick_hold(pick)
        self.used_holds.append(hold_id)
        self.attempt(
            self.shelves.release(hold_id),
            lambda session: ledger.void_holds(session, [hold_id], at=AT),
        )

    @precondition(lambda self: self.shelves.holds)
    @rule(
        pick=picks,
        customer=customers,
        percent=st.sampled_from([100, 100, 100, 50, 130]),
        price=st.integers(1, 5_000_00),
        spot=spots,
    )
    def sell(self, pick: int, customer: int, percent: int, price: int, spot: str) -> None:
        """Sell what a reservation holds, or a part of it, or more."""
        hold_id = list(self.shelves.holds)[pick % len(self.shelves.holds)]
        shelf, held = self.shelves.holds[hold_id]
        units = max(held * percent // 100, 1)
        sold = SoldGoods(self.goods(shelf, units), Amount(USD, price), Decimal(spot))
        reference, owner_id = self.reference(), self.customers[customer]
        self.attempt(
            self.shelves.sell(hold_id, units, price, spot, customer),
            lambda session: post_sale(
                session, sold, owner_id, chart.capital(USD), reference, hold_ids=[hold_id]
            ),
        )
        self.used_holds.append(hold_id)

    @rule(
        shelf=shelves,
        units=counts,
        change=st.sampled_from(
            [
                ("available", "quarantine"),
                ("quarantine", "available"),
                ("allocated", "picked"),
                ("picked", "shipped"),
            ]
        ),
    )
    def change_state(self, shelf: Shelf, units: int, change: tuple[str, str]) -> None:
        shelf = self.stocked(shelf, change[0])
        before, after = (AccountClass(f"stock.{state}") for state in change)
        self.post(
            self.shelves.change_state(shelf, units, *change),
            lambda session, reference: stock.change_state(
                session, self.goods(shelf, units), before, after, reference=reference, at=AT
            ),
        )

    @precondition(lambda self: self.shelves.has("picked"))
    @rule(
        shelf=shelves,
        units=st.integers(1, 4),
        before=st.sampled_from(["picked", "shipped"]),
        customer=customers,
    )
    def deliver(self, shelf: Shelf, units: int, before: str, customer: int) -> None:
        shelf = self.stocked(shelf, before)
        self.post(
            self.shelves.deliver(shelf, units, before, customer),
            lambda session, reference: stock.deliver(
                session,
                self.goods(shelf, units),
                AccountClass(f"stock.{before}"),
                self.customers[customer],
                reference=reference,
                at=AT,
            ),
        )

    def post(
        self, reasons: Reasons, build: Callable[[Session, str], list[ledger.NewPosting]]
    ) -> None:
        reference = self.reference()
        self.attempt(
            reasons,
            lambda session: stock.post(
                session,
                cause="model",
                reference=reference,
                posted_at=AT,
                postings=build(session, reference),
            ),
        )

    @invariant()
    def agrees_with_the_model(self) -> None:
        if not hasattr(self, "rows"):
            return
        units, house, lots, movements, holds, bars = self.rows
        model = self.shelves
        places = {place.id: number for number, place in enumerate(self.places)}
        skus = {product.sku: number for number, product in enumerate(self.products)}
        stocked, owned, left = (
            Counter[object](),
            Counter[object](),
            dict[Shelf, list[tuple[int, int]]](),
        )
        for sku, account_class, owner_id, posted, held, _ in units:
            if account_class == AccountClass.CUSTOMER_GOODS:
                owned[skus[sku], self.customers.index(owner_id)] += posted
                continue
            shelf = Shelf(skus[sku], places[owner_id])
            stocked[shelf, account_class.removeprefix("stock.")] += posted
            is_reserved = account_class == AccountClass.STOCK_AVAILABLE
            assert held == (model.reserved(shelf) if is_reserved else 0)
        assert stocked == model.units, "units"
        assert owned == model.owned
        for sku, location_id, _, count, premium, _ in lots:
            left.setdefault(Shelf(skus[sku], places[location_id]), []).append((count, premium))
        # Bars of one delivery have no order.
        assert {shelf: in_order(shelf, kept) for shelf, kept in left.items()} == {
            shelf: in_order(shelf, [(lot.units, lot.premium) for lot in kept])
            for shelf, kept in model.lots.items()
        }
        assert sorted((row[1], row[2], row[3], row[4]) for row in lots) == sorted(movements)
        reserving = {bar.hold for bar in model.bars.values() if bar.hold is not None}
        pending = {hold_id for hold_id, status, *_ in holds if status == "pending"}
        assert pending == reserving | set(model.holds)
        owners = [None, *self.customers]
        assert {
            serial: (places[location_id], state, owners.index(owner_id) - 1)
            for serial, _, location_id, state, owner_id, _ in bars
        } == {
            serial: (bar.shelf.place, bar.state, -1 if bar.owner is None else bar.owner)
            for serial, bar in model.bars.items()
        }
        self.compare_house(house)

    def compare_house(self, house: list[Row]) -> None:
        """Check ounces and dollars of the branches and of head office."""
        model, ours = self.shelves, {owner: number for number, owner in enumerate(self.house)}
        ours[chart.HOUSE] = -1
        skus = {product.sku for product in self.products}
        found = Counter[object]()
        for asset, account_class, owner_id, amount in house:
            change = int(amount - self.before.get((asset, account_class, owner_id), 0))
            if asset in skus or not change:
                continue
            key = (account_class, ours[owner_id])
            found[key if asset == "USD" else (account_class, asset, ours[owner_id])] += change
        expected = Counter[object]({**model.dollars, **model.ounces})
        assert found == expected
