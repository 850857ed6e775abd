"""Lookups at a provider that an unproven webhook causes: few in a minute, none twice.

Anyone can send a webhook. Where only the provider can say whether one is genuine, each webhook
costs a call, which forgeries must not multiply.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from app.custody import queries as custody_queries
from app.integrations.custodian import verifying_with_provider
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import RateLimited
from app.providers.errors import WebhookSignatureInvalid
from app.throttle import service as throttle

T = TypeVar("T")

#: The most lookups of one provider in a minute, by all processes together, that prove no webhook
#: genuine. Those that do are not counted.
UNPROVEN_PER_MINUTE = 30
#: How long a process remembers that the provider knows no such thing.
UNKNOWN_LIFETIME = timedelta(minutes=1)
_UNKNOWN_MAX = 1000
_MINUTE = 60


class WebhookLookups:
    """Looks up at one provider what its webhooks name."""

    def __init__(self, provider: str, database: Database) -> None:
        self._provider = provider
        self._database = database
        #: What the provider did not know, and until when that is remembered; oldest first.
        self._unknown: dict[str, datetime] = {}

    def find(
        self,
        name: str,
        look_up: Callable[[], T | None],
        *,
        matches: Callable[[T], bool] = lambda _found: True,
        transfer_id: str = "",
    ) -> T:
        """Return what the provider knows by this name, if it matches the webhook.

        Raises `WebhookSignatureInvalid` if it knows nothing, or something else;
        `WebhookVerificationUnavailable` if it does not respond; and `RateLimited` above the limit,
        except for a webhook about a send that is under way (`transfer_id`): forgeries must not
        hold up those that we wait for.
        """
        until = self._unknown.get(name)
        if until is not None and clock.now() < until:
            raise WebhookSignatureInvalid
        self._check_limit(transfer_id)
        with verifying_with_provider():
            found = look_up()
        if found is None:
            self._remember_unknown(name)
        if found is None or not matches(found):
            raise WebhookSignatureInvalid
        with self._database.transaction() as session:
            self._count(session, hits=-1)
        return found

    def _check_limit(self, transfer_id: str) -> None:
        with self._database.transaction() as session:
            if self._count(session) <= UNPROVEN_PER_MINUTE or custody_queries.is_send_under_way(
                session, self._provider, transfer_id
            ):
                return
        raise RateLimited(
            f"Too many webhooks of {self._provider} could not be verified.",
            retry_after_seconds=_MINUTE - int(clock.now().timestamp()) % _MINUTE,
        )

    def _count(self, session: Session, hits: int = 1) -> int:
        window = int(clock.now().timestamp()) // _MINUTE
        key = f"webhook lookups:{self._provider}:{window}"
        return throttle.count_hits(session, key, window_seconds=_MINUTE, hits=hits)

    def _remember_unknown(self, name: str) -> None:
        while len(self._unknown) >= _UNKNOWN_MAX:
            self._unknown.pop(next(iter(self._unknown)), None)
        self._unknown[name] = clock.now() + UNKNOWN_LIFETIME
