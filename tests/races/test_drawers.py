"""One drawer used by many at once: it pays out what it holds, and closes once."""

from collections.abc import Callable

import pytest

from app.counter.drawers import closing
from app.counter.drawers import service as drawers
from app.counter.drawers.errors import NoOpenDrawer, TooFewPieces
from app.counter.drawers.rules import DrawerStatus
from tests.counter.tills import SAFE, Branch, cash
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Act, Arena, winners

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(2, 200)
Record = Callable[[str, object], None]


def test_drawer_pays_out_what_it_holds_and_no_note_more(
    arena: Arena, record_property: Record
) -> None:
    """Everyone takes a note to the safe, as a teller with as many pages would."""
    random = seeded_random("pay-outs of one drawer")
    for _ in rounds(ROUNDS, "pay-outs of one drawer"):
        branch, held = Branch.with_cash(arena.people), random.randrange(1, THREADS)
        drawer_id = branch.open_drawer(pieces=cash(usd_2000=held))

        def pay_out(branch: Branch = branch) -> None:
            with arena.database.transaction() as session:
                drawers.drop(session, branch.teller, cash(usd_2000=1))

        won = winners(arena.all_at_once([pay_out] * THREADS, random), TooFewPieces)
        assert (len(won), branch.pieces(drawer_id), branch.safe()) == (held, cash(), SAFE)
    record_property(
        "evidence",
        f"Pay-outs of one drawer: {ROUNDS} rounds of {THREADS} threads, as many of which succeeded"
        " as there were notes.",
    )


def test_drawer_closes_once_while_cash_moves(arena: Arena, record_property: Record) -> None:
    """Half of them close it with the count of a moment before, half move cash."""
    random = seeded_random("closes of one drawer")
    for _ in rounds(ROUNDS, "closes of one drawer"):
        branch = Branch.with_cash(arena.people)
        drawer_id = branch.open_drawer(pieces=cash(usd_100=10))

        def close(branch: Branch = branch) -> DrawerStatus:
            with arena.database.transaction() as session:
                return closing.count_drawer(session, branch.teller, cash(usd_100=10))

        def take_in(branch: Branch = branch) -> None:
            with arena.database.transaction() as session:
                drawers.drop(session, branch.teller, cash(usd_100=1))

        acts: list[Act] = [close, take_in] * (THREADS // 2)
        outcomes = winners(arena.all_at_once(acts, random), NoOpenDrawer, TooFewPieces)
        closed = [each for each in outcomes if each is DrawerStatus.CLOSED]
        drawer = branch.drawer(drawer_id)
        assert (len(closed), drawer.number) == (1, 1)
        assert drawer.variance is not None
        assert branch.over_short() == -drawer.variance.units
    record_property(
        "evidence",
        f"Closes of one drawer: {ROUNDS} rounds of {THREADS} threads, of which a half closes and a"
        " half moves cash; it was closed once in each, and the books have its variance.",
    )
