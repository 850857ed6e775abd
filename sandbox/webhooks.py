"""What providers send to us: signed when it is sent, repeated until it is taken."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import httpx

from sandbox.faults import WEBHOOK_OPERATION, FaultMode, FaultSchedule
from sandbox.store import Store

_OWN = "_sandbox"
_KIND = "deliveries"
_TRIES_MAX = 12
_BACKOFF_SECONDS_MAX = 60.0
_AN_HOUR = 3600

Headers = dict[str, str]
#: Posts a body to an address and answers the status.
Post = Callable[[str, bytes, Headers], int]


class WebhookSigner(Protocol):
    """How a provider proves that a webhook is its own."""

    def __call__(self, url: str, body: bytes, *, at: float, forged: bool) -> Headers:
        """The headers that go with the body, signed at this second of the epoch; `forged` with a
        key that is not the provider's."""
        ...


@dataclass(frozen=True, slots=True)
class QueuedWebhook:
    """One body on its way. `state` is `due`, `taken`, `given_up` or `lost`."""

    id: str
    provider: str
    path: str
    content_type: str
    body: str
    due_at: float
    fault: str = ""
    tries: int = 0
    state: str = "due"
    status: int | None = None


def _post(url: str, body: bytes, headers: Headers) -> int:
    try:
        return httpx.post(url, content=body, headers=headers, timeout=10).status_code
    except httpx.HTTPError:
        return 0


class WebhookQueue:
    """Everything that was sent or is to be sent to the exchange at `target`."""

    def __init__(
        self,
        store: Store,
        faults: FaultSchedule,
        signers: Mapping[str, WebhookSigner],
        exchange_url: str,
    ) -> None:
        self._store = store
        self._faults = faults
        self._signers = signers
        self.exchange_url = exchange_url
        #: Tests hand bodies to an application without a network.
        self.post: Post = _post

    def send(
        self,
        provider: str,
        body: str,
        *,
        content_type: str = "application/json",
        path: str = "",
        after_seconds: float = 0,
    ) -> None:
        """Send a body to `/webhooks/{provider}`, or to `path`, soon."""
        fault = self._faults.take(provider, WEBHOOK_OPERATION)
        delivery = QueuedWebhook(
            f"dlv_{secrets.token_hex(12)}",
            provider,
            path or f"/webhooks/{provider}",
            content_type,
            body,
            time.time() + after_seconds,
            fault.mode if fault else "",
        )
        if fault and fault.mode is FaultMode.LATE:
            delivery = replace(delivery, due_at=delivery.due_at + fault.seconds)
        if fault and fault.mode is FaultMode.LOST:
            delivery = replace(delivery, state="lost")
        if fault and fault.mode is FaultMode.DUPLICATE:
            self._keep(replace(delivery, id=f"{delivery.id}-again"))
        self._keep(delivery)

    def all(self) -> list[QueuedWebhook]:
        """Oldest first."""
        return [QueuedWebhook(**found) for found in self._store.find(_OWN, _KIND)]

    def deliver_due(self) -> int:
        """Try every delivery whose time has come, each once; answers how many were tried."""
        now = time.time()
        waiting = [QueuedWebhook(**found) for found in self._store.find(_OWN, _KIND, state="due")]
        due = [each for each in waiting if each.due_at <= now]
        for delivery in due:
            self._try(delivery)
        return len(due)

    def _try(self, delivery: QueuedWebhook) -> None:
        body, at = delivery.body.encode(), time.time()
        if delivery.fault == FaultMode.STALE:
            at -= _AN_HOUR
        url = f"{self.exchange_url}{delivery.path}"
        signed = self._signers[delivery.provider](
            url, body, at=at, forged=delivery.fault == FaultMode.FORGED
        )
        if delivery.fault == FaultMode.TAMPERED:
            body = body.replace(b"1", b"2") if b"1" in body else body + b" "
        status = self.post(url, body, {"Content-Type": delivery.content_type, **signed})
        tries, taken = delivery.tries + 1, status in range(200, 300)
        state = "taken" if taken else "given_up" if tries >= _TRIES_MAX else "due"
        pause = min(2.0**delivery.tries, _BACKOFF_SECONDS_MAX)
        self._keep(replace(delivery, tries=tries, state=state, status=status, due_at=at + pause))

    def _keep(self, delivery: QueuedWebhook) -> None:
        self._store.put(_OWN, _KIND, delivery.id, asdict(delivery))
