"""How long failed attempts lock out."""

LOCKOUT_SECONDS_FIRST = 60
LOCKOUT_SECONDS_MAX = 900


def lockout_seconds(failures: int, *, allowed: int) -> int:
    """Return how long to refuse further attempts: 0 below `allowed` failures, then a minute,
    doubling with every further failure up to a quarter of an hour."""
    if failures < allowed:
        return 0
    doublings = min(failures - allowed, 4)
    return min(LOCKOUT_SECONDS_FIRST << doublings, LOCKOUT_SECONDS_MAX)
