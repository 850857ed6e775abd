"""The timeline: acts with the time before now at which they are played."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from app.sample import parts
from app.sample.business import Business

#: How far back the sample goes.
SPAN = timedelta(days=90)

Play = TypeVar("Play", bound=Callable[[Business], None])


@dataclass(frozen=True, slots=True)
class Act:
    """Something that the business does, `ago` before now."""

    ago: timedelta
    play: Callable[[Business], None]


@dataclass
class Part:
    """The acts of one capability. Of acts at the same time the earlier declared is played first."""

    acts: list[Act] = field(default_factory=list)

    def ago(self, *, days: int = 0, hours: int = 0, minutes: int = 0) -> Callable[[Play], Play]:
        """Declare an act, so long before now."""

        def declare(play: Play) -> Play:
            self.add(timedelta(days=days, hours=hours, minutes=minutes), play)
            return play

        return declare

    def add(self, ago: timedelta, play: Callable[[Business], None]) -> None:
        """Add an act, so long before now."""
        self.acts.append(Act(ago, play))


def all_acts() -> list[Act]:
    """Return the acts of every part, `PART` in each module of `parts`, oldest first."""
    return sorted(_declared_acts(), key=lambda act: act.ago, reverse=True)


def _declared_acts() -> Iterator[Act]:
    for module in iter_modules(parts.__path__, f"{parts.__name__}."):
        part: Part = import_module(module.name).PART
        yield from part.acts
