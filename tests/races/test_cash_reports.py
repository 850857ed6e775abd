"""Cash at many counters at the same moment."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.compliance.cash_at_counters import Counters
from tests.drill import choose_size, rounds, seeded_random
from tests.races.contest import THREADS, Arena, winners

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(2, 200)


def test_cash_of_one_person_at_all_counters_at_once_is_one_report_of_all_of_it(
    arena: Arena, record_property: Callable[[str, object], None]
) -> None:
    """Half of it is brought by a second person, so that locks of two people meet."""
    random = seeded_random("cash at all counters")
    counters = Counters.of_new_company(arena.people, branches_count=4)
    for _ in rounds(ROUNDS, "cash at all counters at once"):
        ada, bob = counters.customer(), counters.customer()
        acts = [
            partial(
                counters.bring,
                ada,
                "400.00",
                number % 4,
                conductor_id=bob if number % 2 else ada,
            )
            for number in range(THREADS)
        ]
        assert len(winners(arena.all_at_once(acts, random))) == THREADS
        assert (counters.totals(ada), counters.totals(bob)) == (["12800.00"], [])
    record_property(
        "evidence",
        f"Cash of one person at four branches: {ROUNDS} rounds of {THREADS} threads, in each one "
        "report of all of it.",
    )
