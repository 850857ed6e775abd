"""The Prime Trust protocol: a token for a password, and JSON:API."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from app.custody.ports import CustodianCannotSend
from app.integrations import response_parsing
from app.integrations.bearer_token import UNTIL_REJECTED, BearerToken
from app.integrations.transport import AUTH_FAILURE_STATUSES, HttpResponse, Transport
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: Refusals that another custodian may not give.
_CUSTODIAN_SPECIFIC = frozenset({"insufficient-balance", "asset-not-supported"})


class PrimeTrustClient:
    """Requests to Prime Trust.

    Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(self, base_url: str, *, user: str, password: str, timeout_seconds: float) -> None:
        self._api = Transport(base_url, timeout_seconds=timeout_seconds)
        self._sign_in = Transport(base_url, timeout_seconds=timeout_seconds, auth=(user, password))
        self._token = BearerToken(self._fetch_token)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Return a document; None for 404."""
        response = self._request("GET", path, params=dict(params or {}))
        return None if response.status == HTTPStatus.NOT_FOUND else _read(response)

    def post(self, kind: str, attributes: Mapping[str, Any], *, reference: str) -> dict[str, Any]:
        """Return the resource created now, or before under the same reference."""
        payload = {"data": {"type": kind, "attributes": dict(attributes)}}
        headers = {"X-Idempotent-ID": str(_uuid4(reference))}
        response = self._request("POST", f"/v2/{kind}", json=payload, extra_headers=headers)
        return response_parsing.required_object(_read(response), "data")

    def _request(
        self,
        method: str,
        path: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> HttpResponse:
        response = self._token.send(
            lambda token: self._api.request(
                method, path, headers={**token, **(extra_headers or {})}, **options
            )
        )
        if response.status in AUTH_FAILURE_STATUSES:
            raise ProviderUnavailable("Prime Trust rejected our token.")
        return response

    def _fetch_token(self) -> tuple[str, float]:
        response = self._sign_in.request("POST", "/auth/jwts")
        if not response.is_success:
            raise ProviderRefused(f"http-{response.status}")
        return response_parsing.required_text(response.json(), "token"), UNTIL_REJECTED


def _read(response: HttpResponse) -> dict[str, Any]:
    payload = response.json()
    if response.is_success:
        return payload
    errors = payload.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    code = response_parsing.optional_text(first, "code") if isinstance(first, dict) else ""
    if response.status == HTTPStatus.CONFLICT:
        # The reference was used before for a different request.
        raise ProviderOutcomeUnknown("The reference belongs to another request.")
    refusal_class = CustodianCannotSend if code in _CUSTODIAN_SPECIFIC else ProviderRefused
    raise refusal_class(code or f"http-{response.status}")


def _uuid4(reference: str) -> UUID:
    """Return a UUID version 4 derived from the reference."""
    return UUID(bytes=hashlib.sha256(reference.encode()).digest()[:16], version=4)
