"""Goods that a test keeps: a location of a new branch, a new product, and deliveries of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog import queries as catalog_queries
from app.catalog.products import queries as products_queries
from app.catalog.products import service as products
from app.catalog.products.queries import ProductSummary
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.chart import AccountClass, AccountKey
from app.ledger.models import Account, Entry, Posting
from app.ledger.service import NewPosting
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewBarReceipt, NewReceipt
from app.vault.locations import queries as locations_queries
from app.vault.locations import service as locations
from app.vault.locations.queries import LocationSummary
from app.vault.locations.rules import LocationKind
from app.vault.lots.models import Lot, LotStock
from app.vault.lots.service import Goods as StockedGoods
from app.vault.stock import queries as stock_queries
from app.vault.stock import service as stock
from app.vault.stock.service import SoldGoods
from tests.people import People

EAGLE = NewProduct(
    "", "American Gold Eagle, 1 oz", Metal.AU, ProductForm.COIN, "1.0909", "0.9167", "1",
    tax_class=TaxClass.LEGAL_TENDER,
)  # fmt: skip

GOLD_BAR = NewProduct(
    "", "Gold bar, 400 oz", Metal.AU, ProductForm.BAR, "400", "0.995",
    tax_class=TaxClass.BULLION, is_serialized=True,
)  # fmt: skip
SILVER_BAR = replace(
    GOLD_BAR, name="Silver bar, 1,000 oz", metal=Metal.AG, gross="1000", fineness="0.999"
)


def postings_of(database: Database, reference: str) -> dict[tuple[str, str], str]:
    """Return the amounts of an entry by class and asset, debit positive."""
    with database.transaction(SNAPSHOT) as session:
        assets = catalog_queries.assets_by_code(session)
        return {
            (posting.account_class, posting.asset): str(
                Amount(assets[posting.asset], posting.units)
            )
            for posting in ledger_queries.journal(session)
            if posting.reference == reference
        }


def open_location(people: People, branch_id: UUID) -> LocationSummary:
    """Open a location of a branch."""
    code = f"L{ids.new().hex[-12:].upper()}"
    with people.database.transaction() as session:
        locations.open_location(
            session,
            None,
            branch_id=branch_id,
            code=code,
            name="A vault of tests",
            kind=LocationKind.VAULT,
        )
        location = locations_queries.find_location(session, code)
    assert location is not None
    return location


@dataclass(frozen=True)
class _Moved:
    account_class: str
    owner_id: UUID
    asset: str
    units: int


def post_sale(
    session: Session,
    sold: SoldGoods,
    owner_id: UUID,
    payer: AccountKey,
    reference: str,
    *,
    hold_ids: Sequence[UUID] = (),
) -> None:
    """Sell goods to a customer for a price that comes out of this account."""
    at = clock.now()
    postings = stock.sell(
        session, [sold], owner_id=owner_id, reference=reference, at=at, hold_ids=hold_ids
    )
    ledger.post(
        session,
        cause="test_sale",
        reference=reference,
        posted_at=at,
        postings=[*postings, ledger.debit(payer, sold.price)],
        hold_ids=hold_ids,
    )


@dataclass(frozen=True)
class _Left:
    units: Decimal
    premium_usd: Decimal


@dataclass(frozen=True)
class Goods:
    """A product at one location, of which nothing is there yet."""

    database: Database
    sku: str
    location: LocationSummary

    @classmethod
    def at_a_new_location(cls, people: People, product: NewProduct = EAGLE) -> "Goods":
        """Add the product under a new SKU, and open a location of a new branch."""
        location = open_location(people, people.branch())
        with people.database.transaction() as session:
            sku = products.add_product(session, None, replace(product, sku=f"P-{location.code}"))
        return cls(people.database, sku, location)

    def at_another_location(self, people: People, branch_id: UUID | None = None) -> "Goods":
        """Open a location of another branch, or of this one, for the same product."""
        return replace(self, location=open_location(people, branch_id or people.branch()))

    def receipt(self, **changes: str) -> NewReceipt:
        """Return a delivery of ten units for 39,900 dollars, while gold is at 3,900."""
        return NewReceipt(
            **{
                "sku": self.sku,
                "location": self.location.code,
                "units": "10",
                "cost": "39900.00",
                "spot": "3900",
                "supplier": "Mint of tests",
                "supplier_reference": ids.new().hex,
            }
            | changes
        )

    def receive(self, **changes: str) -> UUID:
        """Receive a delivery; return the id of its lot."""
        with self.database.transaction() as session:
            return deliveries.receive_goods(session, None, self.receipt(**changes))

    def receive_bars(self, bars: str, *, cost: str, spot: str = "3900") -> list[UUID]:
        """Receive bars with serials; return their lots in order."""
        receipt = NewBarReceipt(
            self.sku, self.location.code, bars, cost, spot, "Refiner of tests", ids.new().hex
        )
        before = self.lots()
        with self.database.transaction() as session:
            deliveries.receive_bars(session, None, receipt)
        return [lot_id for lot_id in self.lots() if lot_id not in before]

    def lots(self) -> dict[UUID, tuple[str, str, str]]:
        """Return ounces, and cost of metal and premium, of each lot of the product that came
        here."""
        metal = self.product.accounted.asset
        with self.database.reading() as session:
            found = session.select(
                lambda lot_id, ounces, metal_usd, premium: (
                    lot_id,
                    (
                        str(Amount(metal, ounces)),
                        str(Amount(USD, metal_usd)),
                        str(Amount(USD, premium)),
                    ),
                ),
                sa.select(
                    Lot.id.label("lot_id"),
                    Lot.ounces_units.label("ounces"),
                    Lot.metal_usd,
                    Lot.premium_usd.label("premium"),
                )
                .where(Lot.sku == self.sku, Lot.location_id == self.location.id)
                .order_by(Lot.received_at, Lot.part),
            )
        return dict(found)

    @property
    def product(self) -> ProductSummary:
        """The product."""
        with self.database.reading() as session:
            product = products_queries.find_product(session, self.sku)
        assert product is not None
        return product

    def units(self, count: int, *lot_ids: UUID) -> StockedGoods:
        """Return so many units of the product at the location, or these bars of it."""
        return StockedGoods(self.product, self.location, count, lot_ids)

    def reserve(self, units: int, *lot_ids: UUID) -> UUID:
        """Reserve units; return the id of the hold."""
        hold_id = ids.new()
        with self.database.transaction() as session:
            stock.reserve(
                session,
                self.units(units, *lot_ids),
                hold_id=hold_id,
                cause="test_reservation",
                placed_at=clock.now(),
            )
        return hold_id

    def sell(self, owner_id: UUID, *lot_ids: UUID, units: int, price: str, spot: str) -> str:
        """Reserve units and sell them; return the entry's reference."""
        hold_id = self.reserve(units, *lot_ids)
        return self.sell_reserved(owner_id, hold_id, *lot_ids, units=units, price=price, spot=spot)

    def sell_reserved(
        self, owner_id: UUID, hold_id: UUID, *lot_ids: UUID, units: int, price: str, spot: str
    ) -> str:
        """Sell units for a price that comes out of capital; return the entry's reference."""
        sold = SoldGoods(self.units(units, *lot_ids), Amount.parse(USD, price), Decimal(spot))
        reference = f"sale:{ids.new()}"
        with self.database.transaction() as session:
            post_sale(session, sold, owner_id, chart.capital(USD), reference, hold_ids=[hold_id])
        return reference

    def change_state(
        self, units: int, before: AccountClass, after: AccountClass, *lot_ids: UUID
    ) -> None:
        """Move units from one state to another."""
        goods = self.units(units, *lot_ids)
        self._post(
            lambda session, reference: stock.change_state(
                session, goods, before, after, reference=reference, at=clock.now()
            )
        )

    def deliver(
        self,
        units: int,
        owner_id: UUID,
        *lot_ids: UUID,
        before: AccountClass = AccountClass.STOCK_PICKED,
    ) -> None:
        """Give packed or shipped units to their owner."""
        goods = self.units(units, *lot_ids)
        self._post(
            lambda session, reference: stock.deliver(
                session, goods, before, owner_id, reference=reference, at=clock.now()
            )
        )

    def _post(self, build: Callable[[Session, str], list[NewPosting]]) -> None:
        reference = f"movement:{ids.new()}"
        with self.database.transaction() as session:
            stock.post(
                session,
                cause="test_movement",
                reference=reference,
                posted_at=clock.now(),
                postings=build(session, reference),
            )

    def left(self) -> dict[str, object]:
        """Return what is left of the lots at the location: units, and premium in US dollars."""
        of_these = (LotStock.sku == self.sku, LotStock.location_id == self.location.id)
        with self.database.reading() as session:
            [rest] = session.select(
                _Left,
                sa.select(
                    sa.func.coalesce(sa.func.sum(LotStock.units), 0).label("units"),
                    sa.func.coalesce(sa.func.sum(LotStock.premium_usd), 0).label("premium_usd"),
                ).where(*of_these),
            )
        return {"units": int(rest.units), "premium": str(Amount(USD, int(rest.premium_usd)))}

    def entry(self, reference: str) -> dict[tuple[str, UUID], str]:
        """Return the amounts of an entry by class and owner, debit positive."""
        columns = (
            Account.account_class.label("account_class"),
            Account.owner_id,
            Account.asset,
            Posting.units,
        )
        postings = sa.select(*columns).join(Account, Account.id == Posting.account_id)
        entries = postings.join(Entry, Entry.id == Posting.entry_id)
        with self.database.reading() as session:
            assets = catalog_queries.assets_by_code(session)
            moved = session.select(_Moved, entries.where(Entry.reference == reference))
        return {
            (each.account_class, each.owner_id): str(Amount(assets[each.asset], each.units))
            for each in moved
        }

    def available(self) -> int:
        """Return the units for sale."""
        return self.in_state(AccountClass.STOCK_AVAILABLE)

    def free(self) -> int:
        """Return the units for sale that nothing reserves."""
        with self.database.reading() as session:
            found = stock_queries.list_free_units(session, [self.sku])
        return sum(each.units for each in found if each.location_id == self.location.id)

    def in_state(self, state: AccountClass) -> int:
        """Return the units in a state."""
        account = chart.stock(Asset(self.sku, 0), state, self.location.id)
        with self.database.reading() as session:
            return ledger_queries.account_balance(session, account)
