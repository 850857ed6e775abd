"""A carrier in memory, whose calls succeed or fail as a test scripts them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from app.catalog.rules import USD
from app.fulfillment.carriers.ports import (
    Consignment,
    Label,
    LabelOrder,
    Parcel,
    Rate,
    Tracking,
    TrackingEvent,
)
from app.fulfillment.carriers.rules import Carrier, Speed, TrackingStatus
from app.fulfillment.tracking import service as tracking
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.providers.errors import ProviderRefused
from app.providers.ports import Listing, SetAsideRow
from tests.scripted_rails import ScriptedProvider

SHIPS_ON = date(2031, 3, 3)
NOON = datetime(2031, 3, 3, 12, tzinfo=UTC)


def consignment(value: str = "100") -> Consignment:
    """Return a parcel from one American address to another, of that value in dollars."""
    sender = PostalAddress(
        "US", "1 Dock Road", city="Memphis", state="TN", state_code="TN", zip_code="38118",
        recipient="Harbour Dispatch", phone="+19015550100",
    )  # fmt: skip
    recipient = PostalAddress(
        "US", "22 Elm Street", city="Dallas", state="TX", state_code="TX", zip_code="75201",
        recipient="Ada Diaz", phone="+12145550100",
    )  # fmt: skip
    return Consignment(sender, recipient, Parcel(1_500, 250, 200, 100, Amount.parse(USD, value)))


def happened(hour: int, status: TrackingStatus | None, name: str = "") -> TrackingEvent:
    """Return an event so many hours after noon."""
    return TrackingEvent(
        name or f"{hour} {status}", NOON + timedelta(hours=hour), status, "Dallas", "A scan"
    )


@dataclass
class ScriptedCarrier(ScriptedProvider):
    """A seller of labels, and tracker of parcels."""

    name: str = "fedex"
    batch_max: int = 2
    search_lag: timedelta = timedelta(0)
    #: Whether a label that is found has its document.
    keeps_documents: bool = False
    #: By reference: the numbers of the labels that were sold.
    sold: dict[str, list[str]] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    events: dict[str, list[TrackingEvent]] = field(default_factory=dict)
    set_aside: list[SetAsideRow] = field(default_factory=list)
    proof: bytes | None = b"%PDF proof"
    #: Whether the search finds what was sold.
    is_searchable: bool = True
    has_parcel: bool = False

    def paid(self) -> list[str]:
        """Return the numbers of the labels that we pay for."""
        return [
            number
            for numbers in self.sold.values()
            for number in numbers
            if number not in self.cancelled
        ]

    def rates(self, _consignment: Consignment, ships_on: date) -> Listing[Rate]:
        return Listing([Rate(Speed.GROUND, Amount(USD, 1_250), ships_on)])

    def buy_label(self, order: LabelOrder) -> Label:
        def sell() -> Label:
            number = str(ids.new().int)[-12:]
            self.sold.setdefault(order.reference, []).append(number)
            return Label(number, Amount(USD, 1_250), b"%PDF label")

        return self.call("buy", sell)

    def find_label(self, reference: str, _ordered_on: date) -> Label | None:
        def find() -> Label | None:
            valid = [n for n in self.sold.get(reference, []) if n not in self.cancelled]
            if not valid or not self.is_searchable:
                return None
            return Label(valid[0], None, b"%PDF label" if self.keeps_documents else None)

        return self.call("find", find)

    def cancel_label(self, tracking_number: str, _reference: str) -> None:
        def cancel() -> None:
            if self.has_parcel:
                raise ProviderRefused("SHIPMENT.ALREADY.TENDERED")
            self.cancelled.append(tracking_number)

        self.call("cancel", cancel)

    def report(
        self, database: Database, tracking_number: str | None, status: TrackingStatus
    ) -> None:
        """Let the carrier report that a parcel reached a status now, and track it."""
        assert tracking_number is not None
        event = TrackingEvent(
            f"{tracking_number} {status}", clock.now(), status, "Dallas", "A scan"
        )
        self.events.setdefault(tracking_number, []).append(event)
        tracking.track_parcels(database, Carrier(self.name), [tracking_number])

    def track(self, tracking_numbers: Sequence[str]) -> Listing[Tracking]:
        return self.call(
            f"track {len(tracking_numbers)}",
            lambda: Listing(
                [
                    Tracking(number, tuple(self.events.get(number, ())))
                    for number in tracking_numbers
                ],
                self.set_aside,
            ),
        )

    def fetch_proof(self, _tracking_number: str) -> bytes | None:
        return self.call("proof", lambda: self.proof)
