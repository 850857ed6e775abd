"""The providers' sandbox, served on a thread of this process."""

from collections.abc import Callable
from functools import cache
from typing import Any, Self

import httpx
from flask import Flask
from flask.testing import FlaskClient

from sandbox.app import create_app, served
from sandbox.faults import Fault, Faults, Mode
from sandbox.store import Store
from sandbox.webhooks import Deliveries


class Sandbox:
    """The sandbox and its switches. Nothing is delivered but by `deliver_to`."""

    def __init__(self) -> None:
        self.store = Store()
        self.app: Flask = create_app(self.store, exchange_url="http://localhost")
        self.faults: Faults = self.app.extensions["faults"]
        self.deliveries: Deliveries = self.app.extensions["deliveries"]
        self._server = served(self.app)
        self.url = self._server.__enter__()

    @classmethod
    @cache
    def started(cls) -> Self:
        """This process's own."""
        return cls()

    def settle_down(self) -> None:
        """Nothing is to go wrong, and nothing is on its way, of what tests before had ordered."""
        self.faults.clear()
        for delivery in self.deliveries.all():
            self.store.delete("_sandbox", "deliveries", delivery.id)

    def order(
        self, provider: str, operation: str, mode: Mode, *, times: int = 1, seconds: float = 0
    ) -> Fault:
        """Something goes wrong from now on."""
        return self.faults.order(provider, operation, mode, times=times, seconds=seconds)

    def control(self, provider: str, path: str, **document: Any) -> Any:
        """What the outside world does at a provider; answers its JSON."""
        answer = httpx.post(f"{self.url}/{provider}/_control{path}", json=document)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deliver_to(self, client: FlaskClient) -> list[int]:
        """Hand every webhook that is due to an application; the statuses it answered."""
        statuses: list[int] = []

        def post(url: str, body: bytes, headers: dict[str, str]) -> int:
            response = client.post(
                url.removeprefix(self.deliveries.target), data=body, headers=headers
            )
            statuses.append(response.status_code)
            return response.status_code

        before: Callable[..., int] = self.deliveries.post
        self.deliveries.post = post
        try:
            self.deliveries.deliver_due()
        finally:
            self.deliveries.post = before
        return statuses
