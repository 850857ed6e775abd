"""A race: acts that start at the same moment, and which of them succeeded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from app.kit.db import Database
from app.kit.errors import Refusal
from tests.people import People

#: As many connections, at least, are open at once.
THREADS = 32

Act = Callable[[], object]


@dataclass(frozen=True)
class Arena:
    """A database for all threads, and the threads."""

    database: Database
    people: People
    threads: Callable[[Sequence[Act]], list[object]]

    def all_at_once(self, acts: Sequence[Act], chance: Random) -> list[object]:
        """Start the acts in random order; return results and exceptions in the given order."""
        assert len(acts) == THREADS
        order = chance.sample(range(THREADS), THREADS)
        outcomes = self.threads([acts[at] for at in order])
        placed = dict(zip(order, outcomes, strict=True))
        return [placed[at] for at in range(THREADS)]


def winners(outcomes: Sequence[object], *refusals: type[Refusal]) -> list[object]:
    """Return the results of the acts that were not refused.

    Any other exception fails the race: no customer should see a deadlock or a timeout.
    """
    for outcome in outcomes:
        surfaced = isinstance(outcome, Exception) and not isinstance(outcome, refusals)
        assert not surfaced, f"{outcome!r} because of {getattr(outcome, '__cause__', None)!r}"
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
