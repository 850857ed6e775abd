"""The protocol of Anchorage: an access key, and a signature over every request."""

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

#: What another custodian might not say.
_ONLY_HERE = frozenset({"InsufficientFunds", "NotImplemented"})


class AnchorageClient:
    """Requests to Anchorage. Raises `ProviderUnavailable`, `ProviderOutcomeUnknown` and
    `ProviderRefused`.

    `signing_key` is the seed of an Ed25519 key, in hex.
    """

    def __init__(
        self, base_url: str, *, access_key: str, signing_key: str, timeout_seconds: float
    ) -> None:
        self._prefix = urlsplit(base_url).path
        self._access_key = access_key
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(signing_key))
        self._api = Transport(base_url, timeout_seconds=timeout_seconds)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """What is there; None for 404."""
        query = f"?{urlencode(params)}" if params else ""
        answer = self._request("GET", path + query)
        return None if answer.status == HTTPStatus.NOT_FOUND else _read(answer)

    def post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """What was made, or what was made before under the same `idempotentId`."""
        body = json.dumps(document, separators=(",", ":")).encode()
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
        answer = self._api.request(method, path, headers=headers, content=body or None)
        if answer.status in AUTH_FAILURE_STATUSES:
            raise ProviderUnavailable("it does not accept our key")
        return answer


def _read(answer: HttpResponse) -> dict[str, Any]:
    document = answer.json()
    if answer.is_success:
        return document
    code = response_parsing.optional_text(document, "errorType")
    kind = CustodianCannotSend if code in _ONLY_HERE else ProviderRefused
    raise kind(code or f"http-{answer.status}")
