"""The verbs of limits: lock a person, and check what they ask for."""

from app.kit.db import Session
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
    for usage in found:
        if usage.is_exceeded:
            raise usage.refusal()
    return found
