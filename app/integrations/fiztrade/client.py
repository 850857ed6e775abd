"""FizTrade's protocol: a token in the path, and errors inside of success."""

import logging
from collections.abc import Mapping
from typing import Any

from app.integrations.response_parsing import optional_text
from app.integrations.transport import AUTH_FAILURE_STATUSES, Transport
from app.providers.errors import ProviderRefused, ProviderUnavailable

# Its lines contain the URL, and with it the token.
logging.getLogger("httpx").setLevel(logging.WARNING)


class FizTradeClient:
    """Requests to FizTrade. The token never appears in an error.

    Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused` with
    the text of the error as its code.
    """

    def __init__(self, base_url: str, token: str, *, timeout_seconds: float) -> None:
        self._token = token
        self._transport = Transport(base_url, timeout_seconds=timeout_seconds)

    def get(self, method: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what a method reads."""
        return self._call("GET", method, params=dict(params or {}))

    def post(self, method: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a method did."""
        return self._call("POST", method, json=dict(payload))

    def _call(self, verb: str, method: str, **options: Any) -> dict[str, Any]:
        response = self._transport.request(verb, f"/FizServices/{method}/{self._token}", **options)
        if response.status in AUTH_FAILURE_STATUSES:
            raise ProviderUnavailable("FizTrade rejected our token.")
        payload = response.json()
        if error := optional_text(payload, "error"):
            raise ProviderRefused(error.replace(self._token, "…"))
        if not response.is_success:
            raise ProviderRefused(f"http_{response.status}")
        return payload
