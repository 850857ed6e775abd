"""Credentials that we signed and that the database refused: revoked, expired or signed out.

Each process remembers them for a minute, so that its sender is counted by network before
the database is asked again.
"""

from app.kit import clock

_MAX = 4096
_SECONDS = 60


class RefusedCredentials:
    """The credentials that were refused lately."""

    def __init__(self) -> None:
        #: Until when each is remembered, in seconds of the epoch; oldest first.
        self._until: dict[str, float] = {}  # float: a time, no money

    def add(self, credential: str) -> None:
        """Remember the credential."""
        self._until.pop(credential, None)
        while len(self._until) >= _MAX:
            self._until.pop(next(iter(self._until), ""), None)
        self._until[credential] = clock.now().timestamp() + _SECONDS

    def __contains__(self, credential: str) -> bool:
        until = self._until.get(credential)
        return until is not None and clock.now().timestamp() < until
