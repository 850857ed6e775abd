"""The declaration of a limit, and of what uses it up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from app.kit.formatting import format_number_of
from app.kit.money import Amount, Asset
from app.kit.statements import AnySelect
from app.limits.errors import LimitExceeded

#: What each use says: whose it is, its id, when it was, and how much of the limit it takes.
COLUMNS = ("owner", "id", "at", "units")


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """A limit on what one owner does: a person, by the ids of their accounts, or a phone.

    `what` completes "Your limit for …"; `write` returns units for people. Without a `window` a use
    counts as long as its row is selected, such as a deposit while it is open.
    """

    name: str
    what: str
    window: timedelta | None
    write: Callable[[int], str]
    refusal: type[LimitExceeded] = LimitExceeded
    #: What the owner can do where no time frees the limit.
    advice: str = ""
    #: The asset of the units; None where they count.
    asset: Asset | None = None
    uses: list[AnySelect] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Register the limit. Raises `TypeError` for a name that is taken."""
        if _LIMITS.setdefault(self.name, self) is not self:
            raise TypeError(f"two limits are named {self.name}")

    @property
    def within(self) -> str:
        """In which time it is used up: `in 24 hours`."""
        if self.window is None:
            return "at a time"
        hours = self.window // timedelta(hours=1)
        if self.window.days > 1:
            return f"in {format_number_of(self.window.days, 'day')}"
        return "in an hour" if hours == 1 else f"in {format_number_of(hours, 'hour')}"

    @property
    def title(self) -> str:
        """What it limits, as the head of a line: `Card payments in 24 hours`."""
        return f"{self.what[0].upper()}{self.what[1:]} {self.within}"

    def plain(self, units: int) -> str:
        """Return units for programs: an exact amount, or a number."""
        return str(Amount(self.asset, units)) if self.asset else str(units)

    def count(self, uses: AnySelect) -> None:
        """Let these rows use the limit up, beside those of other rooms: columns `COLUMNS`."""
        names = tuple(column.key for column in uses.selected_columns)
        if names != COLUMNS:
            raise TypeError(f"{self.name} needs the columns {COLUMNS}, not {names}")
        self.uses.append(uses)


_LIMITS: dict[str, Limit] = {}
