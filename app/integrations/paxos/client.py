"""The Paxos protocol: a token with a limited lifetime, and JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from app.custody.ports import CustodianCannotSend
from app.integrations import response_parsing
from app.integrations.bearer_token import BearerToken, is_unauthorized
from app.integrations.transport import HttpResponse, Transport
from app.providers.errors import ProviderRefused, ProviderUnavailable, ResponseUnreadable

SCOPES = (
    "events:read_event funding:read_profile transfer:read_deposit_address transfer:read_transfer"
    " transfer:write_crypto_withdrawal transfer:write_deposit_address"
)
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
        scopes: str = SCOPES,
    ) -> None:
        self._api = Transport(base_url, timeout_seconds=timeout_seconds)
        folder, _, self._oauth_path = oauth_url.rpartition("/")
        self._oauth = Transport(folder, timeout_seconds=timeout_seconds)
        self._client_id, self._client_secret, self._scopes = client_id, client_secret, scopes
        self._token = BearerToken(self._fetch_token)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Return a document; None for 404."""
        response = self._request("GET", path, params=dict(params or {}))
        return None if response.status == HTTPStatus.NOT_FOUND else self._read(response)

    def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the created document. Raises `ReferenceAlreadyUsed`."""
        return self._read(self._request("POST", path, json=dict(payload)))

    def _request(self, method: str, path: str, **options: Any) -> HttpResponse:
        response = self._token.send(
            lambda headers: self._api.request(method, path, headers=headers, **options)
        )
        if is_unauthorized(response):
            raise ProviderUnavailable("Paxos rejected our token.")
        return response

    def _fetch_token(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "scope": self._scopes,
        }
        response = self._oauth.request("POST", f"/{self._oauth_path}", data=form)
        payload = response.json()
        if not response.is_success:
            raise ProviderRefused(f"http-{response.status}")
        seconds = payload.get("expires_in")
        if not isinstance(seconds, int):
            raise ResponseUnreadable("expires_in is not a number of seconds.")
        return response_parsing.required_text(payload, "access_token"), seconds

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
