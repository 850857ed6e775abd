"""The providers' sandbox, served on a thread of this process."""

from collections.abc import Callable
from functools import cache
from typing import Any, Self

import httpx
from flask import Flask
from flask.testing import FlaskClient

from sandbox.app import create_app, serve
from sandbox.faults import Fault, FaultMode, FaultSchedule
from sandbox.store import Store
from sandbox.webhooks import WebhookQueue


class Sandbox:
    """The sandbox and its switches. Nothing is delivered but by `deliver_to`."""

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
        """This process's own."""
        return cls()

    def reset(self) -> None:
        """Nothing is to go wrong, and nothing is on its way, of what tests before had ordered."""
        self.faults.clear()
        for delivery in self.webhooks.all():
            self.store.delete("_sandbox", "deliveries", delivery.id)

    def schedule_fault(
        self, provider: str, operation: str, mode: FaultMode, *, times: int = 1, seconds: float = 0
    ) -> Fault:
        """Something goes wrong from now on."""
        return self.faults.schedule(provider, operation, mode, times=times, seconds=seconds)

    def call_control(self, provider: str, path: str, **document: Any) -> Any:
        """What the outside world does at a provider; answers its JSON."""
        answer = httpx.post(f"{self.url}/{provider}/_control{path}", json=document)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deliver_webhooks(self, client: FlaskClient) -> list[int]:
        """Hand every webhook that is due to an application; the statuses it answered."""
        statuses: list[int] = []

        def post(url: str, body: bytes, headers: dict[str, str]) -> int:
            response = client.post(
                url.removeprefix(self.webhooks.exchange_url), data=body, headers=headers
            )
            statuses.append(response.status_code)
            return response.status_code

        before: Callable[..., int] = self.webhooks.post
        self.webhooks.post = post
        try:
            self.webhooks.deliver_due()
        finally:
            self.webhooks.post = before
        return statuses
