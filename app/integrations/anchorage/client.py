"""The Anchorage protocol: an access key, and a signature over every request."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.custody.ports import CustodianCannotSend
from app.integrations import response_parsing
from app.integrations.transport import AUTH_FAILURE_STATUSES, HttpResponse, Transport
from app.kit import clock
from app.providers.errors import ProviderRefused, ProviderUnavailable

#: Refusals that another custodian may not give.
_CUSTODIAN_SPECIFIC = frozenset({"InsufficientFunds", "NotImplemented"})


class AnchorageClient:
    """Requests to Anchorage.

    `signing_key` is the seed of an Ed25519 key, in hex. Every method raises `ProviderUnavailable`,
    `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(
        self, base_url: str, *, access_key: str, signing_key: str, timeout_seconds: float
    ) -> None:
        self._prefix = urlsplit(base_url).path
        self._access_key = access_key
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(signing_key))
        self._api = Transport(base_url, timeout_seconds=timeout_seconds)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Return a document; None for 404."""
        query = f"?{urlencode(params)}" if params else ""
        response = self._request("GET", path + query)
        return None if response.status == HTTPStatus.NOT_FOUND else _read(response)

    def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document created now, or before with the same `idempotentId`."""
        body = json.dumps(payload, separators=(",", ":")).encode()
        return _read(self._request("POST", path, body))

    def _request(self, method: str, path: str, body: bytes = b"") -> HttpResponse:
        seconds = str(int(clock.now().timestamp()))
        signed = f"{seconds}{method}{self._prefix}{path}".encode() + body
        headers = {
            "Api-Access-Key": self._access_key,
            "Api-Timestamp": seconds,
            "Api-Signature": self._key.sign(signed).hex(),
            "Content-Type": "application/json",
        }
        response = self._api.request(method, path, headers=headers, content=body or None)
        if response.status in AUTH_FAILURE_STATUSES:
            raise ProviderUnavailable("Anchorage rejected our key.")
        return response


def _read(response: HttpResponse) -> dict[str, Any]:
    payload = response.json()
    if response.is_success:
        return payload
    code = response_parsing.optional_text(payload, "errorType")
    refusal_class = CustodianCannotSend if code in _CUSTODIAN_SPECIFIC else ProviderRefused
    raise refusal_class(code or f"http-{response.status}")
