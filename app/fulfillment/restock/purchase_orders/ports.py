"""What wholesalers do for us: keep a price for some seconds, and take an order at it.

`reference` is our public id of a purchase order. Every call may raise `ProviderUnavailable`,
`ProviderOutcomeUnknown` or `ProviderRefused` (app/providers/errors.py). A wholesaler need not
recognise a repeated order: `ordering` looks for it by our reference before it is placed again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, NewType, Protocol

from app.catalog.rules import Metal
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.providers.ports import Listing

#: The code of a refusal to place an order: its price is kept no more, and nothing was ordered.
LOCK_ENDED: Final = "lock_ended"


@dataclass(frozen=True, slots=True)
class WholesaleLine:
    """Units of a product, by the wholesaler's code."""

    code: str
    units: int


@dataclass(frozen=True, slots=True)
class WholesaleLock:
    """A price that a wholesaler keeps until an instant: what all units of each code cost, and what
    the metals cost per troy ounce then."""

    token: str
    ends_at: datetime
    costs: Mapping[str, Amount]
    spots: Mapping[Metal, Decimal]


@dataclass(frozen=True, slots=True)
class WholesaleOrder:
    """What a wholesaler knows of an order of ours: its own number, and what it has sent, by
    code."""

    reference: str
    confirmation: str
    is_cancelled: bool = False
    sent: Mapping[str, int] = field(default_factory=dict)
    tracking: tuple[str, ...] = ()


class Wholesaler(Protocol):
    """A supplier that takes orders by its API."""

    @property
    def name(self) -> str:
        """Its id as a provider."""
        ...

    def lock(
        self, reference: str, lines: Sequence[WholesaleLine], metals: frozenset[Metal]
    ) -> WholesaleLock:
        """Return a price that is kept for some seconds. It binds no one."""
        ...

    def execute(
        self, reference: str, token: str, *, number: int, address: PostalAddress | None
    ) -> WholesaleOrder:
        """Place an order at a locked price, to be sent to an address. Not to be repeated.

        Raises `ProviderRefused` with `LOCK_ENDED` when it is too late.
        """
        ...

    def find(self, reference: str) -> WholesaleOrder | None:
        """Return the order in its current state; None if the wholesaler has none of us."""
        ...

    def list_orders(self, since: datetime) -> Listing[WholesaleOrder]:
        """Return the orders of ours that were placed since an instant."""
        ...


#: The wholesalers by the provider that a supplier names.
Wholesalers = NewType("Wholesalers", dict[str, Wholesaler])
