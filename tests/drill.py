"""The size of long tests: small in bin/test, full in bin/drill.

A drill consists of the tests marked `@pytest.mark.drill(name="races")`. `bin/drill races` runs the
same tests with PBCEX_DRILL set: they run at full size and show their progress. Values that they
pass to pytest's `record_property("evidence", …)` become the drill's evidence in docs/SAFETY.md.
Each drill has a negative control: a deliberate fault that its own checks must catch.
"""

import os
import random
import sys
from collections.abc import Iterator

IS_FULL_SIZE = "PBCEX_DRILL" in os.environ
#: The seed of random choices. bin/drill names a new one in each run; bin/test always has the same
#: one, so that a change is refused for what it changed.
SEED = int(os.environ.get("PBCEX_DRILL_SEED", "20261130"))
_SHOWN = 10


def choose_size(small: int, full: int) -> int:
    """Return the size for this run."""
    return full if IS_FULL_SIZE else small


def rounds(count: int, what: str) -> Iterator[int]:
    """Yield 0 to `count` - 1, showing the progress in a drill."""
    sys.stdout.write(f"{what}: {count} rounds, seed {SEED}\n")
    for number in range(count):
        yield number
        done = number + 1
        if IS_FULL_SIZE and done * _SHOWN // count > number * _SHOWN // count:
            sys.stdout.write(f"{what}: {done} of {count}\n")
            sys.stdout.flush()


def seeded_random(what: str) -> random.Random:
    """Return a random generator for one test, the same for the same seed."""
    return random.Random(f"{SEED} {what}")
