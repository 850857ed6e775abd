"""Limit what registration tells strangers: that an email address has an account.

The refusal is part of the contract of the API. So each network gets few of them within an hour, and
the /48 around one of IPv6 a few more; then none of its registrations gets a response until the hour
is over, and staff get a case.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.cases import service as cases
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import RateLimited
from app.kit.formatting import format_time
from app.kit.networks import SITE_FACTOR, site_of
from app.settings.queries import current
from app.settings.rules import setting, settings_group
from app.throttle import service as throttle

PROBING = "registration.probing"
_HOUR = timedelta(hours=1)


@settings_group("registration", "Registration")
@dataclass(frozen=True, slots=True)
class RegistrationRules:
    """How often a network may learn that an email address has an account."""

    taken_max: int = setting(
        "Refusals of email addresses in use, per network and hour",
        10,
        minimum=1,
        maximum=1000,
        unit="refusals",
        about="Then nothing is registered from there until the hour is over, and a case is opened.",
    )


def require_unexhausted(session: Session, network: str) -> None:
    """Raise `RateLimited` if the network has had all its refusals of this hour."""
    now = clock.now()
    for name, allowed in _allowances(session, network):
        if _count(session, name, now, hits=0) >= allowed:
            raise _refusal(now)


def record_taken(session: Session, network: str) -> None:
    """Count a registration with an email address in use; the last one allowed opens a case.

    Raises `RateLimited`, and keeps the count, if others of the network have used them up meanwhile.
    """
    now, is_exhausted = clock.now(), False
    for name, allowed in _allowances(session, network):
        number = _count(session, name, now, hits=1)
        is_exhausted |= number > allowed
        if number == allowed:
            cases.open_once(
                session,
                kind=PROBING,
                subject=name,
                key=f"{name} {now.date()}",
                title="One network tries which email addresses have accounts",
                facts={"Network": name, "Since": format_time(_hour_of(now)), "Tried": str(number)},
            )
    if is_exhausted:
        raise _refusal(now).keeping_records()


def _allowances(session: Session, network: str) -> list[tuple[str, int]]:
    """Return the network, and the site around it, with the refusals that each gets in an hour."""
    allowed, site = current(session, RegistrationRules).taken_max, site_of(network)
    return [(network, allowed), *([(site, allowed * SITE_FACTOR)] if site else [])]


def _count(session: Session, network: str, now: datetime, *, hits: int) -> int:
    key = f"registered:{network}:{_hour_of(now).timestamp():.0f}"
    seconds = int(_HOUR.total_seconds())
    return throttle.count_hits(session, key, window_seconds=seconds, hits=hits)


def _hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _refusal(now: datetime) -> RateLimited:
    wait = _hour_of(now) + _HOUR - now
    return RateLimited(
        "Too many registrations from your network use email addresses that have an account.",
        retry_after_seconds=int(wait.total_seconds()) + 1,
    )
