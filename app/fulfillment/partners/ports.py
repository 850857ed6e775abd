"""What partners do for us: send goods of ours that they keep to a person.

`reference` is our public id of what is sent: a partner makes one order of it, however often it is
sent. Every call may raise `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`
(app/providers/errors.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType, Protocol

from app.flags.rules import FulfilmentStrategy
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.partners.rules import PartnerStatus
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress

#: The code of a refusal to cancel: it is too late.
CANCEL_WINDOW_CLOSED: Final = "cancel_window_closed"
#: The code of a refusal to send: the partner has too few units.
OUT_OF_STOCK: Final = "out_of_stock"


@dataclass(frozen=True, slots=True)
class PartnerLine:
    """Units of a product to be sent, by our SKU; of bars with numbers, which ones."""

    sku: str
    units: int
    serials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """Goods that a partner sends to an adult, against a signature, insured for `declared_value` in
    dollars. `recipient` names the person and their phone. By `carrier` where it has a choice."""

    reference: str
    recipient: PostalAddress
    lines: Sequence[PartnerLine]
    declared_value: Amount
    carrier: Carrier | None = None


@dataclass(frozen=True, slots=True)
class PartnerParcel:
    """A parcel that a partner sent, with the serials of the bars in it as (SKU, serial)."""

    carrier: Carrier
    tracking_number: str
    serials: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PartnerOrder:
    """What a partner knows of an order of ours. `reason` says why it was rejected."""

    partner_ref: str
    reference: str
    status: PartnerStatus
    submitted_at: datetime
    parcels: tuple[PartnerParcel, ...] = ()
    reason: str = ""


class FulfilmentPartner(Protocol):
    """A company that sends goods of ours. It is also a `DepotKeeper` of `account`."""

    @property
    def name(self) -> str:
        """Its id as a provider."""
        ...

    @property
    def account(self) -> str:
        """The code of our location where it keeps our goods."""
        ...

    def submit(self, request: PartnerRequest) -> PartnerOrder:
        """Have goods sent, once, however often it is called with the same reference."""
        ...

    def fetch(self, reference: str) -> PartnerOrder | None:
        """Return the order in its current state; None if the partner has none of us."""
        ...

    def cancel(self, reference: str) -> PartnerOrder:
        """Cancel an order, once, however often it is called, and return it.

        Raises `ProviderRefused` with `CANCEL_WINDOW_CLOSED` when it is too late.
        """
        ...


#: The partners by the strategy that uses them.
FulfilmentPartners = NewType("FulfilmentPartners", dict[FulfilmentStrategy, FulfilmentPartner])
