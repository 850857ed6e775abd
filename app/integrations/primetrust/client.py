"""The protocol of Prime Trust: a token for a password, and JSON:API."""

import hashlib
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from app.custody.ports import CustodianCannotSend
from app.integrations import response_parsing
from app.integrations.transport import AUTH_FAILURE_STATUSES, HttpResponse, Transport
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: What another custodian might not say.
_ONLY_HERE = frozenset({"insufficient-balance", "asset-not-supported"})


class PrimeTrustClient:
    """Requests to Prime Trust. Raises `ProviderUnavailable`, `ProviderOutcomeUnknown` and
    `ProviderRefused`."""

    def __init__(self, base_url: str, *, user: str, password: str, timeout_seconds: float) -> None:
        self._api = Transport(base_url, timeout_seconds=timeout_seconds)
        self._sign_in = Transport(base_url, timeout_seconds=timeout_seconds, auth=(user, password))
        self._lock = threading.Lock()
        self._token = ""

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """What is there; None for 404."""
        answer = self._request("GET", path, params=dict(params or {}))
        return None if answer.status == HTTPStatus.NOT_FOUND else _read(answer)

    def post(self, kind: str, attributes: Mapping[str, Any], *, reference: str) -> dict[str, Any]:
        """The resource that was made, or that was made before under this reference."""
        document = {"data": {"type": kind, "attributes": dict(attributes)}}
        headers = {"X-Idempotent-ID": str(_uuid4(reference))}
        answer = self._request("POST", f"/v2/{kind}", json=document, also=headers)
        return response_parsing.required_object(_read(answer), "data")

    def _request(
        self, method: str, path: str, *, also: Mapping[str, str] | None = None, **given: Any
    ) -> HttpResponse:
        headers = {**self._authorization(), **(also or {})}
        answer = self._api.request(method, path, headers=headers, **given)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            # Nothing was done: the token has run out.
            self._token = ""
            headers |= self._authorization()
            answer = self._api.request(method, path, headers=headers, **given)
        if answer.status in AUTH_FAILURE_STATUSES:
            raise ProviderUnavailable("it does not accept our token")
        return answer

    def _authorization(self) -> dict[str, str]:
        """Whatever goes wrong here, what the token is for was not asked."""
        with self._lock:
            if not self._token:
                try:
                    answer = self._sign_in.request("POST", "/auth/jwts")
                    if not answer.is_success:
                        raise ProviderUnavailable(f"it gives no token: HTTP {answer.status}")
                    self._token = response_parsing.required_text(answer.json(), "token")
                except ProviderOutcomeUnknown as error:
                    raise ProviderUnavailable(f"it gives no token: {error}") from error
            return {"Authorization": f"Bearer {self._token}"}


def _read(answer: HttpResponse) -> dict[str, Any]:
    document = answer.json()
    if answer.is_success:
        return document
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    code = response_parsing.optional_text(first, "code") if isinstance(first, dict) else ""
    if answer.status == HTTPStatus.CONFLICT:
        # Under this reference it did something else than what is asked now.
        raise ProviderOutcomeUnknown("it knows the reference of another request")
    kind = CustodianCannotSend if code in _ONLY_HERE else ProviderRefused
    raise kind(code or f"http-{answer.status}")


def _uuid4(reference: str) -> UUID:
    """A UUID of the form that it wants, the same for the same reference."""
    return UUID(bytes=hashlib.sha256(reference.encode()).digest()[:16], version=4)
