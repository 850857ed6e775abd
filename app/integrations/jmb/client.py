"""JM Bullion's protocol: a key, and error codes."""

from collections.abc import Mapping
from typing import Any

from app.integrations.response_parsing import optional_text, required_text
from app.integrations.transport import AUTH_FAILURE_STATUSES, HttpResponse, Transport
from app.providers.errors import ProviderRefused, ProviderUnavailable


class JmbClient:
    """Requests to JM Bullion.

    Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(self, base_url: str, key: str, *, timeout_seconds: float) -> None:
        self._transport = Transport(
            base_url, timeout_seconds=timeout_seconds, headers={"X-API-KEY": key}
        )

    def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return a document."""
        return _read(self._transport.request("GET", path, params=dict(params or {})))

    def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was created or changed."""
        return _read(self._transport.request("POST", path, json=dict(payload)))


def _read(response: HttpResponse) -> dict[str, Any]:
    if response.is_success:
        return response.json()
    payload = response.json()
    code = required_text(payload, "code")
    if response.status in AUTH_FAILURE_STATUSES:
        raise ProviderUnavailable(f"JM Bullion rejected our key: {code}.")
    raise ProviderRefused(code, optional_text(payload, "message"))
