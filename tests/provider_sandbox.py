"""The provider sandbox, served on a thread of this process."""

from collections.abc import Callable
from functools import cache
from typing import Any, Self

import httpx
from flask import Flask
from flask.testing import FlaskClient

from sandbox.app import create_app, serve
from sandbox.faults import Fault, FaultMode, FaultSchedule
from sandbox.odd_rows import add_row, clear_rows
from sandbox.store import Store
from sandbox.webhooks import WebhookQueue


class Sandbox:
    """The sandbox and its controls. Webhooks are sent only by `deliver_webhooks`."""

    def __init__(self) -> None:
        self.store = Store()
        self.app: Flask = create_app(self.store, exchange_url="http://localhost")
        self.faults: FaultSchedule = self.app.extensions["faults"]
        self.webhooks: WebhookQueue = self.app.extensions["webhooks"]
        self._server = serve(self.app)
        self.url = self._server.__enter__()

    @classmethod
    @cache
    def shared(cls) -> Self:
        """Return the sandbox of this process."""
        return cls()

    def reset(self) -> None:
        """Delete the scheduled faults, odd rows and queued webhooks of earlier tests."""
        self.faults.clear()
        clear_rows(self.store)
        for webhook in self.webhooks.all():
            self.store.delete("_sandbox", "deliveries", webhook.id)

    def schedule_fault(
        self, provider: str, operation: str, mode: FaultMode, *, times: int = 1, seconds: float = 0
    ) -> Fault:
        """Schedule a fault for the next calls of an operation."""
        return self.faults.schedule(provider, operation, mode, times=times, seconds=seconds)

    def add_odd_row(self, provider: str, operation: str, row: object) -> None:
        """Add a row to a provider's list, shown as it is."""
        add_row(self.store, provider, operation, row)

    def call_control(self, provider: str, path: str, **document: Any) -> Any:
        """Call a provider's control and return its JSON."""
        response = httpx.post(f"{self.url}/{provider}/_control{path}", json=document)
        response.raise_for_status()
        return response.json() if response.content else None

    def deliver_webhooks(self, client: FlaskClient) -> list[int]:
        """Send every due webhook to an application; return the response statuses."""
        statuses: list[int] = []

        def post(url: str, body: bytes, headers: dict[str, str]) -> int:
            response = client.post(
                url.removeprefix(self.webhooks.exchange_url), data=body, headers=headers
            )
            statuses.append(response.status_code)
            return response.status_code

        original_post: Callable[..., int] = self.webhooks.post
        self.webhooks.post = post
        try:
            self.webhooks.deliver_due()
        finally:
            self.webhooks.post = original_post
        return statuses
