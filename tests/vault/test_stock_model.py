"""The vault against a model of it: any sequence of its verbs, compared after every step.

After each step the units of every product at every location in every state, reservations, lots,
bars, ounces and dollars of each branch, and the goods of customers are exactly the model's. A
refusal leaves every row unchanged, byte for byte.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask

from app.access import Role
from app.kit.db import Database
from tests.drill import IS_FULL_SIZE, choose_size
from tests.people import People, set_prices
from tests.stateful_model import STEPS_OF_ONE_RUN, explore, planning_once
from tests.vault.moving_machine import MovingMachine
from tests.vault.shelves import Bar, Lot, Part, Reasons, Shelf, Shelves, Transfer

STEPS = choose_size(5_000, 50_000)


@pytest.fixture
def database(lone_app: Flask) -> Iterator[Database]:
    """Yield a database of its own: thousands of entries would slow the checks after other tests."""
    with planning_once(lone_app.extensions["database"]) as database:
        yield database


def new_machine(database: Database, **members: object) -> type[MovingMachine]:
    tally: Counter[str] = Counter()
    people = People(database)
    set_prices(database, AU="4000", AG="50", PT="1000", PD="1200", CU="0.3", PAXG="4001")
    members |= {
        "database": database,
        "tally": tally,
        "people": people,
        "maker": people.staff(Role.INVENTORY),
        "checker": people.staff(Role.ADMIN),
    }
    return type("Stock", (MovingMachine,), members)


@pytest.mark.drill(name="stock_model")
@pytest.mark.timeout(7200 if IS_FULL_SIZE else 600)
def test_vault_agrees_with_its_model(
    database: Database, record_property: Callable[[str, object], None]
) -> None:
    machine = new_machine(database)
    explore(machine, STEPS, "steps of the model of stock")
    steps = machine.tally.pop("steps")
    refusals = ", ".join(f"{name} {count:,}" for name, count in sorted(machine.tally.items()))
    record_property(
        "evidence",
        f"{steps:,} steps in runs of {STEPS_OF_ONE_RUN}, compared after each; "
        f"{machine.tally.total():,} of them refused, without a trace: {refusals}.",
    )


class SellsReservedUnits(Shelves):
    """Wrong: what is reserved can be put into quarantine."""

    def available(self, shelf: Shelf) -> int:
        return self.units[shelf, "available"]


class SellsTheLastLotFirst(Shelves):
    """Wrong: the last delivery is sold first."""

    def take_first(self, shelf: Shelf, units: int) -> list[Part]:
        self.lots[shelf].reverse()
        parts = super().take_first(shelf, units)
        self.lots[shelf].reverse()
        return parts


class LosesACentOfPremium(Shelves):
    """Wrong: premium is divided down."""

    def take(self, lot: Lot, units: int) -> Part:
        part = Part(lot, units, lot.premium * units // lot.units)
        lot.units, lot.premium = lot.units - units, lot.premium - part.cost
        return part


class LeavesPremiumWhereItWas(Shelves):
    """Wrong: the premium of what is sent stays with the branch that sent it."""

    def arrive(self, transfer: Transfer, units: int) -> Reasons:
        kept = Counter(self.dollars)
        reasons = super().arrive(transfer, units)
        self.dollars = kept
        return reasons


class SellsAnyBar(Shelves):
    """Wrong: a bar may be sold that another customer reserved or bought."""

    def reserve_bar(self, bar: Bar, hold_id: UUID) -> Reasons:
        return super().reserve_bar(replace(bar), hold_id)


@pytest.mark.drill(name="stock_model")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "wrong",
    [
        SellsReservedUnits,
        SellsTheLastLotFirst,
        LosesACentOfPremium,
        LeavesPremiumWhereItWas,
        SellsAnyBar,
    ],
)
def test_control_wrong_model_of_stock_is_detected(
    database: Database, wrong: type[Shelves], record_property: Callable[[str, object], None]
) -> None:
    machine = new_machine(database, model=wrong)
    with pytest.raises(AssertionError):
        explore(machine, STEPS, "control")
    record_property(
        "evidence",
        f"Control: a model that differs ({wrong.__doc__.removeprefix('Wrong: ').rstrip('.')}) was "
        f"caught within {machine.tally['steps']:,} steps.",
    )
