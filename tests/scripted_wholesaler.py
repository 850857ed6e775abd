"""A wholesaler in memory, whose calls succeed or fail as a test scripts them, and whose words about
an order may be old, and may be said twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from app.catalog.rules import USD, Metal
from app.fulfillment.restock.purchase_orders.ports import (
    LOCK_ENDED,
    WholesaleLine,
    WholesaleLock,
    WholesaleOrder,
)
from app.kit import clock, ids
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.providers.errors import ProviderRefused
from app.providers.ports import Listing
from tests.scripted_rails import ScriptedProvider

SPOT = Decimal(4000)


@dataclass
class ScriptedWholesaler(ScriptedProvider):
    """A `Wholesaler`: each call to place an order makes one, as FizTrade's does."""

    name: str = "fiztrade"
    #: Of one unit.
    price: str = "4050.01"
    chances: Random = field(default_factory=lambda: Random("words"))
    repeats_itself: bool = False
    #: How often an order was placed with each reference.
    placed: Counter[str] = field(default_factory=Counter)
    _locks: dict[str, tuple[datetime, Mapping[str, int]]] = field(default_factory=dict)
    #: What was said of an order, the last word last.
    _words: dict[str, list[WholesaleOrder]] = field(default_factory=dict)
    _ordered: dict[str, Mapping[str, int]] = field(default_factory=dict)

    def lock(
        self, reference: str, lines: Sequence[WholesaleLine], metals: frozenset[Metal]
    ) -> WholesaleLock:
        """Keep the price for 20 seconds."""

        def lock() -> WholesaleLock:
            token, ends_at = ids.new().hex, clock.now() + timedelta(seconds=20)
            units = {line.code: line.units for line in lines}
            self._locks[token] = ends_at, units
            unit = Amount.parse(USD, self.price)
            costs = {code: Amount(USD, unit.units * count) for code, count in units.items()}
            return WholesaleLock(token, ends_at, costs, dict.fromkeys(metals, SPOT))

        return self.call(f"lock {reference}", lock)

    def execute(
        self, reference: str, token: str, *, number: int, address: PostalAddress | None
    ) -> WholesaleOrder:
        """Place an order."""
        del number, address

        def execute() -> WholesaleOrder:
            ends_at, units = self._locks[token]
            if ends_at < clock.now():
                raise ProviderRefused(LOCK_ENDED)
            self.placed[reference] += 1
            order = WholesaleOrder(reference, f"FIZ{ids.new().hex}", sent=dict.fromkeys(units, 0))
            self._words.setdefault(reference, []).append(order)
            self._ordered[reference] = units
            return order

        return self.call(f"execute {reference}", execute)

    def find(self, reference: str) -> WholesaleOrder | None:
        """Return the last word about an order, or an older one if it repeats itself."""

        def find() -> WholesaleOrder | None:
            words = self._words.get(reference)
            if not words:
                return None
            return self.chances.choice(words) if self.repeats_itself else words[-1]

        return self.call(f"find {reference}", find)

    def list_orders(self, since: datetime) -> Listing[WholesaleOrder]:
        """Return the last word about each order."""
        del since
        return Listing([words[-1] for words in self._words.values()])

    def send(self, reference: str, share: Decimal = Decimal(1)) -> None:
        """Send a share of an order, rounded down."""
        words = self._words[reference]
        sent = {code: int(count * share) for code, count in self._ordered[reference].items()}
        words.append(replace(words[-1], sent=sent, tracking=(*words[-1].tracking, ids.new().hex)))

    def cancel(self, reference: str) -> None:
        """Cancel an order."""
        self._words[reference].append(replace(self._words[reference][-1], is_cancelled=True))

    def forget(self, reference: str) -> None:
        """Forget an order, as no wholesaler should."""
        del self._words[reference]
