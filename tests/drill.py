"""How large the long tests are: small in bin/test, full in bin/drill.

A drill is the tests marked `@pytest.mark.drill(name="races")`. `bin/drill races` runs the same
tests with PBCEX_DRILL set: they take their full size and show their progress. What they hand to
pytest's `record_property("evidence", …)` becomes that drill's evidence in docs/SAFETY.md. Each
drill has a negative control: something wrong on purpose that its own checks must catch.
"""

import os
import random
import sys
from collections.abc import Iterator

IS_FULL_SIZE = "PBCEX_DRILL" in os.environ
#: Decides what is chosen at random: given by bin/drill, else new each time.
SEED = int(os.environ.get("PBCEX_DRILL_SEED") or random.SystemRandom().randrange(2**32))
_SHOWN = 10


def choose_size(small: int, full: int) -> int:
    """The size for this run."""
    return full if IS_FULL_SIZE else small


def rounds(count: int, what: str) -> Iterator[int]:
    """0 to `count` - 1; a drill shows how far it is."""
    sys.stdout.write(f"{what}: {count} rounds, seed {SEED}\n")
    for number in range(count):
        yield number
        done = number + 1
        if IS_FULL_SIZE and done * _SHOWN // count > number * _SHOWN // count:
            sys.stdout.write(f"{what}: {done} of {count}\n")
            sys.stdout.flush()


def seeded_random(what: str) -> random.Random:
    """Random choices of one test, the same again for the same seed."""
    return random.Random(f"{SEED} {what}")
