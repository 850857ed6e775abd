"""One bar wanted by many at once: one gets it, and the others are refused."""

from collections.abc import Callable
from uuid import UUID

import pytest

from app.kit import ids
from app.vault.bars.errors import SerialMismatch
from app.vault.bars.rules import BarState
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Act, Arena, winners
from tests.vault.goods import GOLD_BAR, Goods
from tests.vault.test_bars import read_bar

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(3, 200)
Record = Callable[[str, object], None]


def buy_bar(bars: Goods, lot_id: UUID, owner_id: UUID) -> Act:
    """Return an act that reserves the bar and sells it to this customer; it returns who that is."""

    def buy() -> UUID:
        bars.sell(owner_id, lot_id, units=1, price="1600000.00", spot="4000")
        return owner_id

    return buy


def test_bar_wanted_by_many_is_sold_once(arena: Arena, record_property: Record) -> None:
    """Other bars of the product are on the shelf: the units alone would be enough for two."""
    chances = seeded_random("bars")
    buyers = [arena.people.customer().user_id for _ in range(THREADS)]
    for _ in rounds(ROUNDS, "one bar"):
        bars = Goods.at_a_new_location(arena.people, GOLD_BAR)
        code = ids.new().hex[-12:].upper()
        lines = [f"{code}-{number}, Valcambi, 400, 995.0" for number in (1, 2)]
        wanted, other = bars.receive_bars("\n".join(lines), cost="3120000")
        acts = [buy_bar(bars, wanted, buyer) for buyer in buyers]
        [owner_id] = winners(arena.all_at_once(acts, chances), SerialMismatch)
        sold = read_bar(arena.database, wanted)
        assert (sold.state, sold.owner_id) == (BarState.ALLOCATED, owner_id)
        left = read_bar(arena.database, other)
        assert (left.state, left.is_reserved) == (BarState.AVAILABLE, False)
        assert (bars.available(), bars.left()["units"]) == (1, 1)
    record_property(
        "evidence",
        f"One bar wanted by {THREADS} at once, with another one beside it: {ROUNDS} rounds; sold"
        " once in each, the other buyers refused.",
    )
