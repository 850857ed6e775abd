"""Exposure of the last hours: inside its bands, but for one order that was undone."""

from datetime import timedelta

from app.hedging import service as hedging
from app.sample.business import Business
from app.sample.parts.orders import SampleOrder
from app.sample.timeline import Part

PART = Part()

_STEP, _SPAN = timedelta(minutes=10), timedelta(hours=6)


def _record(business: Business) -> None:
    """Record exposure, as the timetable does."""
    with business.transaction() as session:
        hedging.record_exposure(session)


for _number in range(_SPAN // _STEP):
    PART.add(_SPAN - _number * _STEP + timedelta(minutes=3), _record)

#: Takes silver out of its band for an hour.
_BUY = SampleOrder(0, "helena", "USD", "1900", "XAG-s", by_ounce=True)
_SELL = SampleOrder(0, "helena", "XAG-s", "1700", "USD")
PART.add(timedelta(hours=4), _BUY.play)
PART.add(timedelta(hours=3), _SELL.play)
