"""A model of stock in a few dictionaries, in arithmetic of its own. The vault must agree with it
after each step."""

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import NamedTuple
from uuid import UUID

from app.kit.errors import Invalid
from app.ledger.errors import HoldExceeded, HoldNotPending
from app.vault.bars.errors import SerialMismatch
from app.vault.deliveries.errors import DeliveryReceived
from app.vault.lots.errors import InsufficientStock
from app.vault.transfers.errors import StockTransferBegun, StockTransferEnded

Reasons = set[type[Exception]]
OUNCE = 10**8


class Shelf(NamedTuple):
    """A product at a location, by their numbers in the test."""

    product: int
    place: int


@dataclass
class Lot:
    """What is left of a delivery at a location: units, cents of premium, and the ounces of one
    unit."""

    number: int
    units: int
    premium: int
    ounces: int


class Part(NamedTuple):
    """Units that leave a lot, with their premium."""

    lot: Lot
    units: int
    cost: int


@dataclass
class Bought:
    """What a lot cost: cents of metal of so many units, which a branch owes, and how many of them
    went back."""

    metal: int
    units: int
    branch: int
    returned: int = 0


@dataclass
class Bar:
    """A bar with a serial: its lot, where it is, and the hold that reserves it."""

    shelf: Shelf
    lot: int
    state: str = "available"
    owner: int | None = None
    hold: UUID | None = None


@dataclass
class Transfer:
    """Units of one product that were sent from a shelf to another place."""

    shelf: Shelf
    place: int
    units: int
    received: int = 0
    cancelled: bool = False

    @property
    def missing(self) -> int:
        """The units that are still to be received."""
        return 0 if self.cancelled else self.units - self.received


@dataclass(frozen=True)
class Kind:
    """A product as the model knows it: its metal, the hundred-millionths of an ounce by which one
    unit is accounted, and its mid in dollars. Each bar with a serial has ounces of its own."""

    metal: str
    ounces: int
    mid: str


def cents(ounces: int, spot: str) -> int:
    """Return what ounces are worth, in cents, halves up."""
    return floor(Fraction(ounces, OUNCE) * Fraction(spot) * 100 + Fraction(1, 2))


def half_up(exact: Fraction) -> int:
    """Return the nearest integer, halves away from zero."""
    return floor(exact + Fraction(1, 2)) if exact >= 0 else -floor(-exact + Fraction(1, 2))


@dataclass
class Shelves:
    """The model. Each verb returns why it is refused; if there is no reason, it takes effect."""

    kinds: list[Kind]
    #: The branch of each place.
    branches: list[int]
    units: Counter[tuple[Shelf, str]] = field(default_factory=Counter)
    holds: dict[UUID, tuple[Shelf, int]] = field(default_factory=dict)
    lots: dict[Shelf, list[Lot]] = field(default_factory=dict)
    deliveries: set[tuple[str, int]] = field(default_factory=set)
    #: Units by product and customer.
    owned: Counter[tuple[int, int]] = field(default_factory=Counter)
    #: Cents and hundred-millionths of an ounce, by account class and branch, debit positive.
    dollars: Counter[tuple[str, int]] = field(default_factory=Counter)
    ounces: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    bars: dict[str, Bar] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    #: By the number of the lot; what was found is none of it.
    bought: dict[int, Bought] = field(default_factory=dict)
    last_lot: int = 0

    def reserved(self, shelf: Shelf) -> int:
        """Return the units that are reserved there."""
        bars = sum(bar.hold is not None for bar in self.bars.values() if bar.shelf == shelf)
        return bars + sum(units for held, units in self.holds.values() if held == shelf)

    def available(self, shelf: Shelf) -> int:
        """Return the units for sale that are not reserved."""
        return self.units[shelf, "available"] - self.reserved(shelf)

    def has(self, state: str) -> bool:
        """Whether units are in this state anywhere."""
        return any(units for (_, kept), units in self.units.items() if kept == state)

    def receive(self, shelf: Shelf, units: int, cost: int, spot: str, note: str) -> Reasons:
        if (note, shelf.product) in self.deliveries:
            return {DeliveryReceived}
        self.deliveries.add((note, shelf.product))
        kind, branch = self.kinds[shelf.product], self.branches[shelf.place]
        metal = cents(kind.ounces * units, spot)
        self.last_lot += 1
        lot = Lot(self.last_lot, units, cost - metal, kind.ounces)
        self.lots.setdefault(shelf, []).append(lot)
        self.bought[lot.number] = Bought(metal, units, branch)
        self.units[shelf, "available"] += units
        self.move_metal(shelf, kind.ounces * units)
        self.dollars["inventory.premium", branch] += cost - metal
        self.dollars["payables", branch] -= cost
        self.dollars["position", -1] += metal
        return set()

    def move_metal(self, shelf: Shelf, ounces: int) -> None:
        metal = self.kinds[shelf.product].metal
        self.ounces["inventory.metal", metal, self.branches[shelf.place]] += ounces
        self.ounces["position", metal, -1] -= ounces

    def reserve(self, hold_id: UUID, shelf: Shelf, units: int) -> Reasons:
        if units > self.available(shelf):
            return {InsufficientStock}
        self.holds[hold_id] = (shelf, units)
        return set()

    def release(self, hold_id: UUID) -> Reasons:
        [bar] = [bar for bar in self.bars.values() if bar.hold == hold_id] or [None]
        if bar is not None:
            bar.hold = None
        elif self.holds.pop(hold_id, None) is None:
            return {HoldNotPending}
        return set()

    def sell(self, hold_id: UUID, units: int, price: int, spot: str, customer: int) -> Reasons:
        if hold_id not in self.holds:
            return {HoldNotPending}
        shelf, held = self.holds[hold_id]
        if sum(lot.units for lot in self.lots[shelf]) < units:
            return {InsufficientStock}
        if units > held:
            return {HoldExceeded}
        del self.holds[hold_id]
        self.book_sale(shelf, self.take_first(shelf, units), price, spot, customer)
        return set()

    def book_sale(
        self, shelf: Shelf, parts: list[Part], price: int, spot: str, customer: int
    ) -> None:
        branch, units = self.branches[shelf.place], sum(part.units for part in parts)
        metal = cents(sum(part.units * part.lot.ounces for part in parts), spot)
        self.units[shelf, "available"] -= units
        self.units[shelf, "allocated"] += units
        self.owned[shelf.product, customer] += units
        self.book_leaving(shelf, parts, "sales.premium_cost")
        self.dollars["sales.premium", branch] -= price - metal
        self.dollars["position", -1] -= metal
        self.dollars["capital", -1] += price

    def book_leaving(self, shelf: Shelf, parts: list[Part], expense: str) -> None:
        branch, cost = self.branches[shelf.place], sum(part.cost for part in parts)
        self.move_metal(shelf, -sum(part.units * part.lot.ounces for part in parts))
        self.dollars["inventory.premium", branch] -= cost
        self.dollars[expense, branch] += cost

    def take_first(self, shelf: Shelf, units: int) -> list[Part]:
        """Take units from the first lots; return what leaves each."""
        parts = []
        for lot in self.lots[shelf]:
            count = min(lot.units, units)
            if count:
                parts.append(self.take(lot, count))
                units -= count
        return parts

    def take(self, lot: Lot, units: int) -> Part:
        """Take units of one lot, with their share of its premium."""
        cost = half_up(Fraction(lot.premium * units, lot.units))
        lot.units, lot.premium = lot.units - units, lot.premium - cost
        return Part(lot, units, cost)

    def change_state(self, shelf: Shelf, units: int, before: str, after: str) -> Reasons:
        free = self.available(shelf) if before == "available" else self.units[shelf, before]
        if units > free:
            return {InsufficientStock}
        self.units[shelf, before] -= units
        self.units[shelf, after] += units
        return set()

    def deliver(self, shelf: Shelf, units: int, before: str, customer: int) -> Reasons:
        if units > min(self.units[shelf, before], self.owned[shelf.product, customer]):
            return {InsufficientStock}
        self.units[shelf, before] -= units
        self.owned[shelf.product, customer] -= units
        return set()

    def send(self, shelf: Shelf, place: int, units: int) -> Reasons:
        if place == shelf.place:
            return {Invalid}
        if units > self.available(shelf):
            return {InsufficientStock}
        self.units[shelf, "available"] -= units
        self.units[shelf, "in_transit"] += units
        self.transfers.append(Transfer(shelf, place, units))
        return set()

    def arrive(self, transfer: Transfer, units: int) -> Reasons:
        if not transfer.missing:
            return {StockTransferEnded}
        if units > transfer.missing:
            return {Invalid}
        transfer.received += units
        shelf, there = transfer.shelf, Shelf(transfer.shelf.product, transfer.place)
        kept = {lot.number: lot for lot in self.lots.get(there, [])}
        for lot, count, cost in self.take_first(shelf, units):
            found = kept.setdefault(lot.number, Lot(lot.number, 0, 0, lot.ounces))
            found.units, found.premium = found.units + count, found.premium + cost
            self.move_metal(shelf, -count * lot.ounces)
            self.move_metal(there, count * lot.ounces)
            self.dollars["inventory.premium", self.branches[shelf.place]] -= cost
            self.dollars["inventory.premium", self.branches[there.place]] += cost
        self.lots[there] = [kept[number] for number in sorted(kept)]
        self.units[shelf, "in_transit"] -= units
        self.units[there, "available"] += units
        return set()

    def cancel(self, transfer: Transfer) -> Reasons:
        if not transfer.missing:
            return {StockTransferEnded}
        if transfer.received:
            return {StockTransferBegun}
        transfer.cancelled = True
        self.units[transfer.shelf, "in_transit"] -= transfer.units
        self.units[transfer.shelf, "available"] += transfer.units
        return set()

    def lose(self, shelf: Shelf, units: int, state: str) -> Reasons:
        free = self.available(shelf) if state == "available" else self.units[shelf, state]
        if units > free:
            return {InsufficientStock}
        parts, branch = self.take_first(shelf, units), self.branches[shelf.place]
        metal = cents(units * self.kinds[shelf.product].ounces, self.kinds[shelf.product].mid)
        self.book_leaving(shelf, parts, "shrinkage")
        self.units[shelf, state] -= units
        self.dollars["shrinkage", branch] += metal
        self.dollars["position", -1] -= metal
        return set()

    def find(self, shelf: Shelf, units: int, state: str) -> Reasons:
        kind, branch = self.kinds[shelf.product], self.branches[shelf.place]
        metal = cents(units * kind.ounces, kind.mid)
        self.last_lot += 1
        self.lots.setdefault(shelf, []).append(Lot(self.last_lot, units, 0, kind.ounces))
        self.units[shelf, state] += units
        self.move_metal(shelf, units * kind.ounces)
        self.dollars["shrinkage", branch] -= metal
        self.dollars["position", -1] += metal
        return set()

    def give_back(self, shelf: Shelf, units: int) -> Reasons:
        """Return units in quarantine to the mint that delivered all that was not found."""
        lots = [lot for lot in self.lots.get(shelf, []) if lot.number in self.bought]
        if units > sum(lot.units for lot in lots):
            return {Invalid}
        if units > self.units[shelf, "quarantine"]:
            return {InsufficientStock}
        parts = []
        for lot in lots:
            if count := min(lot.units, units - sum(part.units for part in parts)):
                parts.append(self.take(lot, count))
        self.book_return(shelf, parts)
        return set()

    def book_return(self, shelf: Shelf, parts: list[Part]) -> None:
        for lot, count, premium in parts:
            bought = self.bought[lot.number]
            before = half_up(Fraction(bought.metal * bought.returned, bought.units))
            bought.returned += count
            metal = half_up(Fraction(bought.metal * bought.returned, bought.units)) - before
            self.units[shelf, "quarantine"] -= count
            self.move_metal(shelf, -count * lot.ounces)
            self.dollars["inventory.premium", self.branches[shelf.place]] -= premium
            self.dollars["payables", bought.branch] += metal + premium
            self.dollars["position", -1] -= metal

    def give_back_bar(self, bar: Bar) -> Reasons:
        if bar.state != "quarantine" or bar.hold is not None:
            return {Invalid}
        [lot] = [lot for lot in self.lots[bar.shelf] if lot.number == bar.lot]
        bar.state = "returned"
        self.book_return(bar.shelf, [self.take(lot, 1)])
        return set()

    def receive_bars(
        self, shelf: Shelf, ounces: dict[str, int], cost: int, spot: str, note: str
    ) -> Reasons:
        """Receive bars of these serials and ounces, which share the premium by their ounces."""
        total, branch = sum(ounces.values()), self.branches[shelf.place]
        metal = cents(total, spot)
        due = given = metal_given = 0
        for serial, weight in ounces.items():
            due += weight
            share = half_up(Fraction((cost - metal) * due, total)) - given
            given += share
            metal_share = half_up(Fraction(metal * due, total)) - metal_given
            metal_given += metal_share
            self.last_lot += 1
            self.bought[self.last_lot] = Bought(metal_share, 1, branch)
            self.lots.setdefault(shelf, []).append(Lot(self.last_lot, 1, share, weight))
            self.bars[serial] = Bar(shelf, self.last_lot)
        self.deliveries.add((note, shelf.product))
        self.units[shelf, "available"] += len(ounces)
        self.move_metal(shelf, total)
        self.dollars["inventory.premium", branch] += cost - metal
        self.dollars["payables", branch] -= cost
        self.dollars["position", -1] += metal
        return set()

    def reserve_bar(self, bar: Bar, hold_id: UUID) -> Reasons:
        if bar.state != "available" or bar.hold is not None:
            return {SerialMismatch}
        bar.hold = hold_id
        return set()

    def sell_bar(self, bar: Bar, price: int, spot: str, customer: int) -> Reasons:
        if bar.state != "available":
            # Its lot may be used up, which is looked at first.
            return {SerialMismatch, InsufficientStock}
        [lot] = [lot for lot in self.lots[bar.shelf] if lot.number == bar.lot]
        bar.state, bar.owner, bar.hold = "allocated", customer, None
        self.book_sale(bar.shelf, [self.take(lot, 1)], price, spot, customer)
        return set()

    def change_bar(self, bar: Bar, before: str, after: str) -> Reasons:
        if bar.state != before or bar.hold is not None:
            return {SerialMismatch}
        bar.state = after
        self.units[bar.shelf, before] -= 1
        self.units[bar.shelf, after] += 1
        return set()

    def deliver_bar(self, bar: Bar, before: str, customer: int) -> Reasons:
        if (bar.state, bar.owner) != (before, customer):
            return {SerialMismatch}
        bar.state = "delivered"
        self.units[bar.shelf, before] -= 1
        self.owned[bar.shelf.product, customer] -= 1
        return set()
