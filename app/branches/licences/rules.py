"""When a licence expires, and from when on that is warned of."""

from datetime import date, timedelta

from app.kit.labels import Mark, StatusEnum

#: A case is opened so many days before a licence expires.
WARNING_DAYS = 30


class LicenceStatus(StatusEnum):
    """Whether a licence is in force."""

    VALID = "valid", "Valid", Mark.DONE
    EXPIRING = "expiring", "Expires soon", Mark.WAITING
    EXPIRED = "expired", "Expired", Mark.PROBLEM
    ENDED = "ended", "Ended", Mark.ENDED
    """Given up or taken away."""


def last_warned_day(today: date) -> date:
    """Return the last day of expiry that is warned of today."""
    return today + timedelta(days=WARNING_DAYS)


def status_of(expires_on: date | None, *, is_ended: bool, today: date) -> LicenceStatus:
    """Return the status on a day. A licence is valid until the end of the day on which it expires,
    and for ever without one."""
    if is_ended:
        return LicenceStatus.ENDED
    if expires_on is None or expires_on > last_warned_day(today):
        return LicenceStatus.VALID
    return LicenceStatus.EXPIRED if expires_on < today else LicenceStatus.EXPIRING
