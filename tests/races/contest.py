"""What a race is, and who won it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from app.kit.db import Database
from app.kit.errors import Refusal
from tests.people import People

#: At least as many connections as that are open at once.
THREADS = 32

Act = Callable[[], object]


@dataclass(frozen=True)
class Arena:
    """A database for all threads, and the threads."""

    database: Database
    people: People
    threads: Callable[[Sequence[Act]], list[object]]

    def all_at_once(self, acts: Sequence[Act], chance: Random) -> list[object]:
        """What each act returned or raised, in the order given; they start in any order."""
        assert len(acts) == THREADS
        order = chance.sample(range(THREADS), THREADS)
        outcomes = self.threads([acts[at] for at in order])
        placed = dict(zip(order, outcomes, strict=True))
        return [placed[at] for at in range(THREADS)]


def winners(outcomes: Sequence[object], *refusals: type[Refusal]) -> list[object]:
    """What those returned who were not refused. Any other exception fails the race: a deadlock, a
    timeout or a surprise is no answer to a customer."""
    for outcome in outcomes:
        surfaced = isinstance(outcome, Exception) and not isinstance(outcome, refusals)
        assert not surfaced, f"{outcome!r} because of {getattr(outcome, '__cause__', None)!r}"
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
