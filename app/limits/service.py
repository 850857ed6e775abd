"""The verbs of limits: lock a person, and check what they ask for."""

import math

from app.kit import clock
from app.kit.db import Session
from app.kit.errors import RateLimited
from app.limits.queries import Demand, Owners, Usage, usages

# In the order of their keys, so that two requests of one person never wait for each other.
_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('limits ' || key, 0)) FROM unnest(%s::text[]) AS key
"""


def lock(session: Session, owners: Owners) -> None:
    """Serialize what the owners do until this transaction ends, so that their uses add up."""
    keys = sorted(each.hex() if isinstance(each, bytes) else str(each) for each in owners)
    session.send(_LOCK, (keys,))


def check(session: Session, owners: Owners, *demands: Demand) -> list[Usage]:
    """Lock the owners and return the usages. Raises the refusal of the first exceeded limit."""
    lock(session, owners)
    found = usages(session, owners, demands)
    require_free(*found)
    return found


def require_free(*found: Usage) -> None:
    """Raise the refusal of the first limit that is exceeded."""
    for usage in found:
        if usage.is_exceeded:
            raise usage.refusal()


def check_pace(session: Session, owners: Owners, demand: Demand, *, detail: str) -> None:
    """Lock the owners and raise `RateLimited` with the seconds until what they ask for fits.

    `detail` says what is allowed, in a sentence.
    """
    lock(session, owners)
    [usage] = usages(session, owners, [demand])
    require_pace(usage, detail=detail)


def require_pace(usage: Usage, *, detail: str) -> None:
    """Raise `RateLimited` as `check_pace` does, by a usage that was read before."""
    if usage.is_exceeded:
        assert usage.frees_at is not None  # a limit on the pace has a window
        seconds = math.ceil((usage.frees_at - clock.now()).total_seconds())
        raise RateLimited(detail, retry_after_seconds=max(1, seconds))
