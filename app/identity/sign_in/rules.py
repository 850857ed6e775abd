"""How long failed attempts lock out, and how long a proof of identity lasts."""

from collections.abc import Mapping
from datetime import timedelta

from app.access import Role

#: How long after a proof of identity sensitive acts need no other proof.
PROOF_LIFETIME = timedelta(minutes=10)
#: Roles with another lifetime. A teller works at the counter, in view of customers and colleagues,
#: and each identity document that they record is a sensitive act: a proof every ten minutes would
#: teach them to type codes without reading. An idle session still ends after half an hour.
PROOF_LIFETIME_BY_ROLE: Mapping[Role, timedelta] = {Role.TELLER: timedelta(minutes=60)}

#: How long after the last activity the session of a staff browser ends.
IDLE_LIMIT = timedelta(minutes=30)

LOCKOUT_SECONDS_FIRST = 60
LOCKOUT_SECONDS_MAX = 900


def lockout_seconds(failures: int, *, allowed: int) -> int:
    """Return how long to refuse further attempts: 0 below `allowed` failures, then a minute,
    doubling with every further failure up to a quarter of an hour."""
    if failures < allowed:
        return 0
    doublings = min(failures - allowed, 4)
    return min(LOCKOUT_SECONDS_FIRST << doublings, LOCKOUT_SECONDS_MAX)


def proof_lifetime(role: Role) -> timedelta:
    """Return how long after a proof of identity a person of this role needs no other proof."""
    return PROOF_LIFETIME_BY_ROLE.get(role, PROOF_LIFETIME)
