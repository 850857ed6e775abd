"""Brink's protocol: credentials in each message, and result codes."""

from collections.abc import Mapping
from typing import Any

from app.integrations.response_parsing import optional_text, required_object, required_text
from app.integrations.transport import Transport
from app.providers.errors import ProviderRefused, ProviderUnavailable

_SUCCESS = "0"
_BAD_CREDENTIALS = "E001"


class BrinksClient:
    """Requests to Brink's.

    The method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(
        self, base_url: str, *, user_id: str, password: str, timeout_seconds: float
    ) -> None:
        self._transport = Transport(base_url, timeout_seconds=timeout_seconds)
        self._credentials = {"userId": user_id, "password": password}

    def call(self, operation: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to an operation such as `ShipService/cancelShipment`."""
        body = {"credentials": self._credentials, **message}
        answer = self._transport.request("POST", f"/{operation}", json=body).json()
        result = required_object(answer, "result")
        code = required_text(result, "code")
        if code == _SUCCESS:
            return answer
        if code == _BAD_CREDENTIALS:
            raise ProviderUnavailable("Brink's rejected our credentials.")
        raise ProviderRefused(code, optional_text(result, "message"))
