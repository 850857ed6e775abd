"""The protocol of Paxos: a token that lives for a while, and JSON."""

import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from app.custody.ports import CustodianCannotSend
from app.integrations import response_parsing
from app.integrations.transport import HttpResponse, Transport
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

SCOPES = (
    "events:read_event funding:read_profile transfer:read_deposit_address transfer:read_transfer"
    " transfer:write_crypto_withdrawal transfer:write_deposit_address"
)
_RENEWED_BEFORE_SECONDS = 60
#: What another custodian might not say.
_ONLY_HERE = frozenset({"insufficient-funds"})


class ReferenceAlreadyUsed(ProviderRefused):
    """It was asked under this reference before."""


class PaxosClient:
    """Requests to Paxos. Raises `ProviderUnavailable`, `ProviderOutcomeUnknown` and
    `ProviderRefused`."""

    def __init__(
        self,
        base_url: str,
        oauth_url: str,
        *,
        client_id: str,
        client_secret: str,
        timeout_seconds: float,
    ) -> None:
        self._api = Transport(base_url, timeout_seconds=timeout_seconds)
        folder, _, self._oauth_path = oauth_url.rpartition("/")
        self._oauth = Transport(folder, timeout_seconds=timeout_seconds)
        self._client_id, self._client_secret = client_id, client_secret
        self._lock = threading.Lock()
        self._token, self._token_until = "", 0.0

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """What is there; None for 404."""
        answer = self._request("GET", path, params=dict(params or {}))
        return None if answer.status == HTTPStatus.NOT_FOUND else self._read(answer)

    def post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """What was made. Raises `ReferenceAlreadyUsed` for a reference that was used before."""
        return self._read(self._request("POST", path, json=dict(document)))

    def _request(self, method: str, path: str, **given: Any) -> HttpResponse:
        answer = self._api.request(method, path, headers=self._authorization(), **given)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            # Nothing was done: the token was revoked, or has run out by the other clock.
            self._token_until = 0.0
            answer = self._api.request(method, path, headers=self._authorization(), **given)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise ProviderUnavailable("it does not accept our token")
        return answer

    def _authorization(self) -> dict[str, str]:
        with self._lock:
            if time.monotonic() >= self._token_until:
                self._renew()
            return {"Authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        """Whatever goes wrong here, what the token is for was not asked."""
        asked_at = time.monotonic()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "scope": SCOPES,
        }
        try:
            answer = self._oauth.request("POST", f"/{self._oauth_path}", data=form)
            document = answer.json()
            if not answer.is_success:
                raise ProviderUnavailable(f"it gives no token: HTTP {answer.status}")
            token, seconds = (
                response_parsing.required_text(document, "access_token"),
                document.get("expires_in"),
            )
        except ProviderOutcomeUnknown as error:
            raise ProviderUnavailable(f"it gives no token: {error}") from error
        if not isinstance(seconds, int):
            raise ProviderUnavailable("it gives no token: expires_in is no number of seconds")
        self._token = token
        self._token_until = asked_at + max(0, seconds - _RENEWED_BEFORE_SECONDS)

    def _read(self, answer: HttpResponse) -> dict[str, Any]:
        document = answer.json()
        if answer.is_success:
            return document
        slug = response_parsing.optional_text(document, "type").rstrip("/").rpartition("/")[2]
        if answer.status == HTTPStatus.CONFLICT:
            raise ReferenceAlreadyUsed("already-exists")
        if answer.status == HTTPStatus.FORBIDDEN and slug in {"", "about:blank"}:
            raise ProviderUnavailable("our token is not allowed to ask this")
        kind = CustodianCannotSend if slug in _ONLY_HERE else ProviderRefused
        raise kind(
            slug or f"http-{answer.status}", response_parsing.optional_text(document, "title")
        )
