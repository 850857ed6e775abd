"""FedEx's protocol: a token with a limited lifetime, and JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from app.integrations.bearer_token import BearerToken, is_unauthorized
from app.integrations.response_parsing import (
    object_row,
    optional_text,
    required_list,
    required_object,
    required_text,
)
from app.integrations.transport import HttpResponse, Transport
from app.providers.errors import ProviderRefused, ProviderUnavailable, ResponseUnreadable


class FedexClient:
    """Requests to FedEx.

    `call` raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(
        self, base_url: str, *, client_id: str, client_secret: str, timeout_seconds: float
    ) -> None:
        self._api = Transport(base_url, timeout_seconds=timeout_seconds)
        self._client_id, self._client_secret = client_id, client_secret
        self._token = BearerToken(self._fetch_token)

    def call(self, method: str, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the output of an operation."""

        def send(headers: Mapping[str, str]) -> HttpResponse:
            return self._api.request(
                method, path, json=dict(payload), headers={**headers, "X-locale": "en_US"}
            )

        response = self._token.send(send)
        if is_unauthorized(response):
            raise ProviderUnavailable("FedEx rejected our token.")
        return required_object(_read(response), "output")

    def _fetch_token(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        payload = _read(self._api.request("POST", "/oauth/token", data=form))
        seconds = payload.get("expires_in")
        if not isinstance(seconds, int):
            raise ResponseUnreadable("expires_in is not a number of seconds.")
        return required_text(payload, "access_token"), seconds


def _read(response: HttpResponse) -> dict[str, Any]:
    payload = response.json()
    if response.is_success:
        return payload
    errors = [object_row(error) for error in required_list(payload, "errors")]
    code = required_text(errors[0], "code") if errors else f"http-{response.status}"
    if response.status == HTTPStatus.FORBIDDEN:
        raise ProviderUnavailable(f"FedEx does not let our account do this: {code}.")
    raise ProviderRefused(code, optional_text(errors[0], "message") if errors else "")
