"""Limit what registration tells strangers: that an email address has an account.

The refusal is part of the contract of the API. So each network gets few of them within an hour, and
the /48 around one of IPv6 a few more; then none of its registrations gets a response until the hour
is over, and staff get a case.
"""

from dataclasses import dataclass
from datetime import datetime

from app.cases import service as cases
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import RateLimited
from app.kit.formatting import format_time
from app.settings.queries import current
from app.settings.rules import setting, settings_group
from app.throttle import networks
from app.throttle.networks import HourlyCount

PROBING = "registration.probing"


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
    if any(each.number >= each.allowed for each in _count(session, network, now, hits=0)):
        raise _refusal(now)


def record_taken(session: Session, network: str) -> None:
    """Count a registration with an email address in use; the last one allowed opens a case.

    Raises `RateLimited`, and keeps the count, if others of the network have used them up meanwhile.
    """
    now = clock.now()
    counts = _count(session, network, now, hits=1)
    for each in counts:
        if each.number == each.allowed:
            since = format_time(networks.hour_of(now))
            cases.open_once(
                session,
                kind=PROBING,
                subject=each.network,
                key=f"{each.network} {now.date()}",
                title="One network tries which email addresses have accounts",
                facts={"Network": each.network, "Since": since, "Tried": str(each.number)},
            )
    if any(each.number > each.allowed for each in counts):
        raise _refusal(now).keeping_records()


def _count(session: Session, network: str, now: datetime, *, hits: int) -> list[HourlyCount]:
    allowed = current(session, RegistrationRules).taken_max
    return networks.count_in_hour(session, "registered", network, now, allowed=allowed, hits=hits)


def _refusal(now: datetime) -> RateLimited:
    return networks.refusal_until_next_hour(
        "Too many registrations from your network use email addresses that have an account.", now
    )
