"""The Paxos protocol: a token with a limited lifetime, and JSON."""

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
_RENEWAL_MARGIN_SECONDS = 60
#: Refusals that another custodian may not give.
_CUSTODIAN_SPECIFIC = frozenset({"insufficient-funds"})


class ReferenceAlreadyUsed(ProviderRefused):
    """A request with this reference was made before."""


class PaxosClient:
    """Requests to Paxos.

    Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

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
        """Return a document; None for 404."""
        response = self._request("GET", path, params=dict(params or {}))
        return None if response.status == HTTPStatus.NOT_FOUND else self._read(response)

    def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the created document. Raises `ReferenceAlreadyUsed`."""
        return self._read(self._request("POST", path, json=dict(payload)))

    def _request(self, method: str, path: str, **options: Any) -> HttpResponse:
        response = self._api.request(method, path, headers=self._authorization(), **options)
        if response.status == HTTPStatus.UNAUTHORIZED:
            # Nothing was done: the token was revoked or has expired by Paxos' clock.
            self._token_until = 0.0
            response = self._api.request(method, path, headers=self._authorization(), **options)
        if response.status == HTTPStatus.UNAUTHORIZED:
            raise ProviderUnavailable("Paxos rejected our token.")
        return response

    def _authorization(self) -> dict[str, str]:
        with self._lock:
            if time.monotonic() >= self._token_until:
                self._renew()
            return {"Authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        """Get a new token. No error here can mean that the request itself was sent."""
        requested_at = time.monotonic()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "scope": SCOPES,
        }
        try:
            response = self._oauth.request("POST", f"/{self._oauth_path}", data=form)
            payload = response.json()
            if not response.is_success:
                raise ProviderUnavailable(f"Paxos gave no token: HTTP {response.status}.")
            token, seconds = (
                response_parsing.required_text(payload, "access_token"),
                payload.get("expires_in"),
            )
        except ProviderOutcomeUnknown as error:
            raise ProviderUnavailable(f"Paxos gave no token: {error}") from error
        if not isinstance(seconds, int):
            raise ProviderUnavailable("Paxos gave no token: expires_in is not a number of seconds.")
        self._token = token
        self._token_until = requested_at + max(0, seconds - _RENEWAL_MARGIN_SECONDS)

    def _read(self, response: HttpResponse) -> dict[str, Any]:
        payload = response.json()
        if response.is_success:
            return payload
        slug = response_parsing.optional_text(payload, "type").rstrip("/").rpartition("/")[2]
        if response.status == HTTPStatus.CONFLICT:
            raise ReferenceAlreadyUsed("already-exists")
        if response.status == HTTPStatus.FORBIDDEN and slug in {"", "about:blank"}:
            raise ProviderUnavailable("Our token has no permission for this request.")
        refusal_class = CustodianCannotSend if slug in _CUSTODIAN_SPECIFIC else ProviderRefused
        raise refusal_class(
            slug or f"http-{response.status}", response_parsing.optional_text(payload, "title")
        )
