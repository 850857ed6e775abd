"""The webhook queue: signed when sent, repeated until PBCEx accepts."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import httpx

from sandbox import clock
from sandbox.faults import WEBHOOK_OPERATION, FaultMode, FaultSchedule
from sandbox.store import Store

_OWN = "_sandbox"
_KIND = "deliveries"
_TRIES_MAX = 12
_BACKOFF_SECONDS_MAX = 60.0
_HOUR_SECONDS = 3600

Headers = dict[str, str]
#: Posts a body to a URL and returns the status.
Post = Callable[[str, bytes, Headers], int]


class WebhookSigner(Protocol):
    """How a provider signs its webhooks."""

    def __call__(self, url: str, body: bytes, *, at: float, forged: bool) -> Headers:
        """Return the signature headers of a body at a second of the epoch.

        `forged`: sign with a key that is not the provider's.
        """
        ...


@dataclass(frozen=True, slots=True)
class QueuedWebhook:
    """A webhook in the queue. `state` is `due`, `taken`, `given_up` or `lost`."""

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
    """The webhooks that were sent or are due to be sent to PBCEx at `exchange_url`."""

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
        #: Replaced by tests that pass bodies to an application without a network.
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
        """Queue a body for `/webhooks/{provider}`, or for `path`."""
        fault = self._faults.take(provider, WEBHOOK_OPERATION)
        webhook = QueuedWebhook(
            f"dlv_{secrets.token_hex(12)}",
            provider,
            path or f"/webhooks/{provider}",
            content_type,
            body,
            clock.now() + after_seconds,
            fault.mode if fault else "",
        )
        if fault and fault.mode is FaultMode.LATE:
            webhook = replace(webhook, due_at=webhook.due_at + fault.seconds)
        if fault and fault.mode is FaultMode.LOST:
            webhook = replace(webhook, state="lost")
        if fault and fault.mode is FaultMode.DUPLICATE:
            self._keep(replace(webhook, id=f"{webhook.id}-again"))
        self._keep(webhook)

    def all(self) -> list[QueuedWebhook]:
        """Return every webhook, oldest first."""
        return [QueuedWebhook(**document) for document in self._store.find(_OWN, _KIND)]

    def deliver_due(self) -> int:
        """Send every webhook that is due, each once; return how many were sent."""
        now = clock.now()
        waiting = [
            QueuedWebhook(**document) for document in self._store.find(_OWN, _KIND, state="due")
        ]
        due = [webhook for webhook in waiting if webhook.due_at <= now]
        for webhook in due:
            self._try(webhook)
        return len(due)

    def _try(self, webhook: QueuedWebhook) -> None:
        body, signed_at = webhook.body.encode(), clock.now()
        if webhook.fault == FaultMode.STALE:
            signed_at -= _HOUR_SECONDS
        url = f"{self.exchange_url}{webhook.path}"
        signature = self._signers[webhook.provider](
            url, body, at=signed_at, forged=webhook.fault == FaultMode.FORGED
        )
        if webhook.fault == FaultMode.TAMPERED:
            body = body.replace(b"1", b"2") if b"1" in body else body + b" "
        status = self.post(url, body, {"Content-Type": webhook.content_type, **signature})
        tries, is_accepted = webhook.tries + 1, status in range(200, 300)
        state = "taken" if is_accepted else "given_up" if tries >= _TRIES_MAX else "due"
        pause = min(2.0**webhook.tries, _BACKOFF_SECONDS_MAX)
        self._keep(
            replace(webhook, tries=tries, state=state, status=status, due_at=signed_at + pause)
        )

    def _keep(self, webhook: QueuedWebhook) -> None:
        self._store.put(_OWN, _KIND, webhook.id, asdict(webhook))
