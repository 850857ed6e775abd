"""Where a parcel is by its events, and what may be on its outside."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from app.catalog.rules import USD
from app.fulfillment.carriers.ports import Consignment, LabelOrder, Parcel
from app.fulfillment.carriers.rules import Speed, TrackingStatus, current_status
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress

NOON = datetime(2031, 3, 3, 12, tzinfo=UTC)
S = TrackingStatus
ADDRESS = PostalAddress("US", "1 Main Street", city="Dallas", recipient="Ada Diaz")
PARCEL = Parcel(1_000, 200, 150, 100, Amount(USD, 100_00))


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], None),
        ([(0, S.LABEL_CREATED)], S.LABEL_CREATED),
        ([(0, S.LABEL_CREATED), (1, S.PICKED_UP), (2, S.IN_TRANSIT)], S.IN_TRANSIT),
        # Two at the same time: the one further on its way.
        ([(0, S.LABEL_CREATED), (0, S.PICKED_UP)], S.PICKED_UP),
        # An exception ends when the parcel goes on.
        ([(0, S.IN_TRANSIT), (1, S.HELD), (2, S.OUT_FOR_DELIVERY)], S.OUT_FOR_DELIVERY),
        # A scan that comes after the delivery was written too late.
        ([(0, S.OUT_FOR_DELIVERY), (1, S.DELIVERED), (2, S.IN_TRANSIT)], S.DELIVERED),
        ([(0, S.DELIVERED), (1, S.DAMAGED)], S.DAMAGED),
        ([(0, S.IN_TRANSIT), (1, S.LOST)], S.LOST),
    ],
)
def test_status_follows_from_the_events_in_any_order(
    events: list[tuple[int, TrackingStatus]], status: TrackingStatus | None
) -> None:
    for order in permutations(events):
        timed = [(NOON + timedelta(hours=hour), reached) for hour, reached in order]
        assert current_status(timed) is status
        assert current_status(timed * 2) is status


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": ""},
        {"reference": "x" * 36},
        {"reference": "gold coins"},
        {"consignment": {"sender": replace(ADDRESS, recipient="Harbour Bullion")}},
        {"consignment": {"sender": replace(ADDRESS, company="PBCEx Precious Metals")}},
        {"consignment": {"sender": replace(ADDRESS, recipient=None)}},
        {"consignment": {"recipient": replace(ADDRESS, recipient=None)}},
        {"parcel": {"weight_grams": 0}},
        {"parcel": {"declared_value": Amount(USD, 0)}},
    ],
)
def test_label_that_cannot_be_printed_or_names_its_contents_is_refused(
    changes: dict[str, Any],
) -> None:
    def order(
        reference: str = "prc_1",
        consignment: dict[str, Any] | None = None,
        parcel: dict[str, Any] | None = None,
    ) -> LabelOrder:
        sent = Consignment(
            **{
                "sender": ADDRESS,
                "recipient": ADDRESS,
                "parcel": replace(PARCEL, **parcel or {}),
                **(consignment or {}),
            }
        )
        return LabelOrder(reference, Speed.GROUND, sent, date(2031, 3, 3))

    assert order().reference == "prc_1"
    with pytest.raises(ValueError, match=r"reference|parcel|sender"):
        order(**changes)
