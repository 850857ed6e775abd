"""When a parcel is tracked again, and which reported events can be true."""

from datetime import datetime, timedelta

from app.fulfillment.carriers.ports import TrackingEvent

_PAUSE_MIN = timedelta(seconds=5)
_PAUSE_MAX = timedelta(hours=1)
#: The part of the time since the last news after which there may be some again.
_PART = 4
#: How long a parcel is tracked that does not arrive. Carriers search for lost ones for weeks.
TRACKED_MAX = timedelta(days=60)
#: How far clocks of carriers may be wrong, and time zones of their scanners.
_SKEW_MAX = timedelta(days=1)


def next_check(now: datetime, last_news_at: datetime) -> datetime:
    """Return when a parcel is tracked again: the longer nothing happened, the later, an hour at
    most."""
    return now + min(max((now - last_news_at) / _PART, _PAUSE_MIN), _PAUSE_MAX)


def is_plausible(event: TrackingEvent, since: datetime, now: datetime) -> bool:
    """Return whether an event can be one of a parcel that was given its number at `since`: carriers
    use numbers again, and nothing has happened in the future."""
    return since - _SKEW_MAX <= event.at <= now + _SKEW_MAX
