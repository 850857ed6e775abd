"""What carriers do for us: quote, sell and cancel labels, say where parcels are, prove delivery.

A label is for one parcel, and its `reference` is our public id of it: it is printed on the label,
and finds the label again whose purchase had an unknown outcome. Amounts are exact, weights are in
grams, lengths in millimetres. Every call may raise `ProviderUnavailable`, `ProviderOutcomeUnknown`
or `ProviderRefused` (app/providers/errors.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NewType, Protocol

from app.fulfillment.carriers.rules import Carrier, Speed, TrackingStatus, names_contents
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.providers.ports import Listing

#: The most characters of a reference that every carrier prints and searches.
REFERENCE_LENGTH_MAX = 35


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel with its outer measures. `declared_value` is in dollars, and what it is insured for.

    Raises `ValueError` unless everything is above zero.
    """

    weight_grams: int
    length_mm: int
    width_mm: int
    height_mm: int
    declared_value: Amount

    def __post_init__(self) -> None:
        """Check that everything is above zero."""
        measures = (self.weight_grams, self.length_mm, self.width_mm, self.height_mm)
        if min(*measures, self.declared_value.units) <= 0:
            raise ValueError("A parcel has a weight, three lengths and a value above zero.")


@dataclass(frozen=True, slots=True)
class Consignment:
    """A parcel to be carried. The addresses name a `recipient` (the sender too) and a `phone`.

    It is handed over to an adult against a signature. Raises `ValueError` where the sender's name
    says what is inside: it is on the outside of the parcel.
    """

    sender: PostalAddress
    recipient: PostalAddress
    parcel: Parcel

    def __post_init__(self) -> None:
        """Check the names of the two, and that the sender's is discreet."""
        if not self.sender.recipient or not self.recipient.recipient:
            raise ValueError("The addresses of a parcel name the sender and the recipient.")
        for name in (self.sender.recipient, self.sender.company or ""):
            if names_contents(name):
                raise ValueError("The name of the sender says what is in the parcel.")


@dataclass(frozen=True, slots=True)
class Rate:
    """What carrying a parcel would cost us; `delivered_on` is what the carrier expects."""

    speed: Speed
    cost: Amount
    delivered_on: date | None


@dataclass(frozen=True, slots=True)
class LabelOrder:
    """A label that we buy. It is handed to the carrier on `ships_on`.

    Raises `ValueError` for a reference that carriers cannot print, or that is not discreet.
    """

    reference: str
    speed: Speed
    consignment: Consignment
    ships_on: date

    def __post_init__(self) -> None:
        """Check the reference."""
        text = self.reference
        if not (0 < len(text) <= REFERENCE_LENGTH_MAX and text.isascii() and text.isprintable()):
            raise ValueError(f"A reference has 1 to {REFERENCE_LENGTH_MAX} characters of ASCII.")
        if names_contents(text):
            raise ValueError("The reference says what is in the parcel.")


@dataclass(frozen=True, slots=True)
class Label:
    """A label that we bought. `document` is a PDF for 4 × 6 inches.

    Where it was found again by its reference, `cost` and `document` may be None: some carriers
    give them once.
    """

    tracking_number: str
    cost: Amount | None
    document: bytes | None


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """Something that happened to a parcel. `id` is the same whenever the carrier reports it.

    `status` is None for a scan that changes nothing. `place` and `text` are the carrier's words.
    """

    id: str
    at: datetime
    status: TrackingStatus | None
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Tracking:
    """Everything that a carrier knows of a parcel, in any order, with repetitions.

    Without events the carrier does not know the number, or not yet. `expected_on` is the day of
    delivery as it expects it, `signed_by` the name that the recipient gave.
    """

    tracking_number: str
    events: tuple[TrackingEvent, ...]
    expected_on: date | None = None
    signed_by: str = ""


class ParcelTracker(Protocol):
    """A carrier that says where parcels are, also those whose labels others bought."""

    @property
    def name(self) -> str:
        """Its id as a provider."""
        ...

    @property
    def batch_max(self) -> int:
        """How many parcels one call to it can ask for."""
        ...

    def track(self, tracking_numbers: Sequence[str]) -> Listing[Tracking]:
        """Return what the carrier knows of up to `batch_max` parcels.

        What it says about another parcel, and what cannot be read, is set aside.
        """
        ...

    def fetch_proof(self, tracking_number: str) -> bytes | None:
        """Return the proof of a delivery with its signature as a PDF; None if there is none yet."""
        ...


class LabelSeller(Protocol):
    """A carrier from which we buy labels."""

    @property
    def name(self) -> str:
        """Its id as a provider."""
        ...

    @property
    def search_lag(self) -> timedelta:
        """How long after a purchase `find_label` may not find it yet."""
        ...

    def rates(self, consignment: Consignment, ships_on: date) -> Listing[Rate]:
        """Return what each speed would cost that the carrier offers for the parcel."""
        ...

    def buy_label(self, order: LabelOrder) -> Label:
        """Buy a label. The carrier does not recognise a repetition: after
        `ProviderOutcomeUnknown`, look for it with `find_label`."""
        ...

    def find_label(self, reference: str, ordered_on: date) -> Label | None:
        """Return the label with our reference, ordered on that day or after it, that was not
        cancelled; None if there is none."""
        ...

    def cancel_label(self, tracking_number: str, reference: str) -> None:
        """Cancel a label, so that it costs nothing; once, however often it is called.

        Raises `ProviderRefused` if the carrier already has the parcel.
        """
        ...


#: The carriers whose parcels we track.
ParcelTrackers = NewType("ParcelTrackers", dict[Carrier, ParcelTracker])
#: The carriers from which we buy labels.
LabelSellers = NewType("LabelSellers", dict[Carrier, LabelSeller])
