"""What a company that keeps goods of ours tells us about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Protocol

from app.providers.ports import Listing


@dataclass(frozen=True, slots=True)
class DepotLine:
    """The units of one product in a depot; `serials` of those that have numbers, sorted."""

    sku: str
    units: int
    serials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DepotStatement:
    """What a depot kept for us at an instant."""

    as_of: datetime
    lines: Listing[DepotLine]


class DepotKeeper(Protocol):
    """A company that keeps our goods in depots, each under an account there."""

    @property
    def name(self) -> str:
        """Its id as a provider."""
        ...

    @property
    def account(self) -> str:
        """The code of the only location that it keeps; empty if it keeps all that no other one
        does."""
        ...

    def statement(self, account: str) -> DepotStatement:
        """Return the latest statement of a depot. `account` is the code of our location.

        Raises `ProviderUnavailable`, `ProviderOutcomeUnknown`, and `ProviderRefused` for an account
        that it does not know.
        """
        ...


#: The companies by name.
DepotKeepers = NewType("DepotKeepers", dict[str, DepotKeeper])
