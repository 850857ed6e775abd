"""The machine with what moves goods between places, adjusts their number, and names bars."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.catalog.rules import USD
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount
from app.ledger import chart
from app.ledger.chart import AccountClass
from app.vault.adjustments import service as adjustments
from app.vault.adjustments.service import NewAdjustment
from app.vault.bars.errors import SerialMismatch
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewBarReceipt
from app.vault.stock import service as stock
from app.vault.stock.service import SoldGoods
from app.vault.supplier_returns import service as supplier_returns
from app.vault.supplier_returns.service import NewSupplierReturn
from app.vault.transfers import service as stock_transfers
from tests.vault.goods import post_sale
from tests.vault.shelves import OUNCE, Bar, Shelf
from tests.vault.stock_machine import (
    AT,
    BAR_PRODUCT,
    StockMachine,
    customers,
    picks,
    shelves,
    spots,
)

places = st.integers(0, 2)
few = st.integers(1, 5)


class MovingMachine(StockMachine):
    """All verbs of the vault."""

    @rule(shelf=shelves, place=places, units=few)
    def send(self, shelf: Shelf, place: int, units: int) -> None:
        shelf, sent = self.stocked(shelf, "available"), list[UUID]()
        self.attempt(
            self.shelves.send(shelf, place, units),
            lambda session: sent.append(
                stock_transfers.send_goods(
                    session,
                    self.maker,
                    origin=self.places[shelf.place].code,
                    destination=self.places[place].code,
                    units_by_sku={self.products[shelf.product].sku: units},
                )
            ),
        )
        self.transfer_ids += sent if len(self.shelves.transfers) > len(self.transfer_ids) else []

    @precondition(lambda self: self.transfer_ids)
    @rule(pick=picks, units=few)
    def receive_sent(self, pick: int, units: int) -> None:
        number = pick % len(self.transfer_ids)
        transfer = self.shelves.transfers[number]
        sku = self.products[transfer.shelf.product].sku
        self.attempt(
            self.shelves.arrive(transfer, units),
            lambda session: stock_transfers.receive(
                session, self.maker, self.transfer_ids[number], {sku: units}
            ),
        )

    @precondition(lambda self: self.transfer_ids)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        number = pick % len(self.transfer_ids)
        self.attempt(
            self.shelves.cancel(self.shelves.transfers[number]),
            lambda session: stock_transfers.cancel(session, self.maker, self.transfer_ids[number]),
        )

    @rule(
        shelf=shelves,
        units=few,
        state=st.sampled_from(["available", "quarantine"]),
        kind=st.sampled_from(["loss", "found"]),
    )
    def adjust(self, shelf: Shelf, units: int, state: str, kind: str) -> None:
        """Request an adjustment and approve it, in one transaction."""
        shelf = self.stocked(shelf, state)
        sku, code = self.products[shelf.product].sku, self.places[shelf.place].code
        wanted = NewAdjustment(sku, code, state, kind, str(units))
        book = self.shelves.lose if kind == "loss" else self.shelves.find

        def verb(session: Session) -> None:
            reason = "The model says so"
            request_id = adjustments.request_adjustment(session, self.maker, wanted, reason=reason)
            request = approvals_queries.get_approval(session, request_id)
            approvals.approve(session, self.checker, request_id, seen_hash=request.hash)

        self.attempt(book(shelf, units, state), verb)

    @precondition(lambda self: self.shelves.has("quarantine"))
    @rule(shelf=shelves, units=few)
    def give_back(self, shelf: Shelf, units: int) -> None:
        shelf = self.stocked(shelf, "quarantine")
        wanted = NewSupplierReturn(
            self.products[shelf.product].sku, self.places[shelf.place].code, str(units),
            "Mint of tests", "CN-1",
        )  # fmt: skip
        self.attempt(self.shelves.give_back(shelf, units), self.returning(wanted))

    def returning(self, wanted: NewSupplierReturn) -> Callable[[Session], None]:
        """Return the verb that requests a return and approves it, in one transaction."""

        def verb(session: Session) -> None:
            request_id = supplier_returns.request_return(
                session, self.maker, wanted, reason="The model says so"
            )
            request = approvals_queries.get_approval(session, request_id)
            approvals.approve(session, self.checker, request_id, seen_hash=request.hash)

        return verb

    @rule(
        place=places,
        grams=st.lists(st.integers(990_000, 1_010_000), min_size=1, max_size=3),
        percent=st.integers(98, 104),
        spot=st.sampled_from(["3900", "4127.334455"]),
    )
    def receive_bars(self, place: int, grams: list[int], percent: int, spot: str) -> None:
        """Receive bars of .9999 gold, weighed to a thousandth of an ounce."""
        shelf, first = Shelf(BAR_PRODUCT, place), len(self.shelves.bars)
        weights = [32_150_7 * gram // 1_000_000 for gram in grams]
        ounces, lines = {}, []
        for number, weight in enumerate(weights, start=first):
            serial = f"{self.places[0].code}/{number}"
            lines.append(f"{serial}; Refiner; {Decimal(weight).scaleb(-4)}; 999.9")
            fine = (weight * 9999 * 2 + 100_000) // 200_000
            ounces[serial] = min(fine * OUNCE // 1000, weight * OUNCE // 10_000)
        cost = int(sum(ounces.values()) * Decimal(spot) * percent) // OUNCE
        note = self.reference()
        receipt = NewBarReceipt(
            self.products[BAR_PRODUCT].sku,
            self.places[place].code,
            "\n".join(lines),
            str(Amount(USD, cost)),
            spot,
            "Refiner of tests",
            note,
        )
        self.attempt(
            self.shelves.receive_bars(shelf, ounces, cost, spot, note),
            lambda session: deliveries.receive_bars(session, None, receipt),
        )
        self.bar_lots = {serial: lot_id for serial, lot_id, *_ in self.rows[-1]}

    @precondition(lambda self: self.shelves.bars)
    @rule(pick=picks)
    def give_back_bar(self, pick: int) -> None:
        serial = sorted(self.shelves.bars)[pick % len(self.shelves.bars)]
        bar = self.shelves.bars[serial]
        wanted = NewSupplierReturn(
            self.products[BAR_PRODUCT].sku, self.places[bar.shelf.place].code, "1",
            "Refiner of tests", "CN-1", serial,
        )  # fmt: skip
        self.attempt(self.shelves.give_back_bar(bar), self.returning(wanted))

    def pick_bar(self, pick: int) -> tuple[Bar, UUID]:
        serial = sorted(self.shelves.bars)[pick % len(self.shelves.bars)]
        return self.shelves.bars[serial], self.bar_lots[serial]

    @precondition(lambda self: self.shelves.bars)
    @rule(pick=picks)
    def reserve_bar(self, pick: int) -> None:
        (bar, lot_id), hold_id = self.pick_bar(pick), ids.new()
        goods = self.goods(bar.shelf, 1, lot_id)
        self.used_holds.append(hold_id)
        self.attempt(
            self.shelves.reserve_bar(bar, hold_id),
            lambda session: stock.reserve(
                session, goods, hold_id=hold_id, cause="model", placed_at=AT
            ),
        )

    @precondition(lambda self: self.shelves.bars)
    @rule(pick=picks, price=st.integers(1, 200_000_00), spot=spots, customer=customers)
    def sell_bar(self, pick: int, price: int, spot: str, customer: int) -> None:
        """Sell a bar, with its reservation if it has one."""
        bar, lot_id = self.pick_bar(pick)
        sold = SoldGoods(self.goods(bar.shelf, 1, lot_id), Amount(USD, price), Decimal(spot))
        hold_ids = [] if bar.hold is None else [bar.hold]
        reference, owner_id = self.reference(), self.customers[customer]
        self.attempt(
            self.shelves.sell_bar(bar, price, spot, customer),
            lambda session: post_sale(
                session, sold, owner_id, chart.capital(USD), reference, hold_ids=hold_ids
            ),
        )

    @precondition(lambda self: self.shelves.bars)
    @rule(place=places, units=few)
    def reserve_without_naming_bars(self, place: int, units: int) -> None:
        goods = self.goods(Shelf(BAR_PRODUCT, place), units)
        self.attempt(
            {SerialMismatch},
            lambda session: stock.reserve(
                session, goods, hold_id=ids.new(), cause="model", placed_at=AT
            ),
        )

    @precondition(lambda self: self.shelves.bars)
    @rule(
        pick=picks,
        change=st.sampled_from(
            [
                ("available", "quarantine"),
                ("quarantine", "available"),
                ("allocated", "picked"),
                ("picked", "shipped"),
            ]
        ),
    )
    def change_bar(self, pick: int, change: tuple[str, str]) -> None:
        bar, lot_id = self.pick_bar(pick)
        goods = self.goods(bar.shelf, 1, lot_id)
        before, after = (AccountClass(f"stock.{state}") for state in change)
        self.post(
            self.shelves.change_bar(bar, *change),
            lambda session, reference: stock.change_state(
                session, goods, before, after, reference=reference, at=AT
            ),
        )

    @precondition(lambda self: self.shelves.bars)
    @rule(pick=picks, before=st.sampled_from(["picked", "shipped"]), customer=customers)
    def deliver_bar(self, pick: int, before: str, customer: int) -> None:
        bar, lot_id = self.pick_bar(pick)
        goods = self.goods(bar.shelf, 1, lot_id)
        self.post(
            self.shelves.deliver_bar(bar, before, customer),
            lambda session, reference: stock.deliver(
                session,
                goods,
                AccountClass(f"stock.{before}"),
                self.customers[customer],
                reference=reference,
                at=AT,
            ),
        )
