"""UPS's protocol: a token with a limited lifetime, and JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from app.integrations.bearer_token import BearerToken, is_unauthorized
from app.integrations.response_parsing import (
    object_row,
    optional_text,
    required_list,
    required_object,
    required_text,
)
from app.integrations.transport import HttpResponse, Transport, parsing_response
from app.providers.errors import ProviderRefused, ProviderUnavailable


class UpsClient:
    """Requests to UPS.

    The method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(
        self, base_url: str, *, client_id: str, client_secret: str, timeout_seconds: float
    ) -> None:
        self._api = Transport(base_url, timeout_seconds=timeout_seconds)
        self._oauth = Transport(
            base_url, timeout_seconds=timeout_seconds, auth=(client_id, client_secret)
        )
        self._token = BearerToken(self._fetch_token)

    def get_details(self, tracking_number: str) -> dict[str, Any] | None:
        """Return what UPS knows of a parcel; None if it does not know the number."""

        def send(headers: Mapping[str, str]) -> HttpResponse:
            return self._api.request(
                "GET",
                f"/api/track/v1/details/{quote(tracking_number, safe='')}",
                params={"locale": "en_US", "returnSignature": "true", "returnPOD": "true"},
                headers={**headers, "transId": uuid4().hex, "transactionSrc": "pbcex"},
            )

        response = self._token.send(send)
        if is_unauthorized(response):
            raise ProviderUnavailable("UPS rejected our token.")
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        return required_object(_read(response), "trackResponse")

    def _fetch_token(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"}
        payload = _read(self._oauth.request("POST", "/security/v1/oauth/token", data=form))
        with parsing_response():
            seconds = int(required_text(payload, "expires_in"))
        return required_text(payload, "access_token"), seconds


def _read(response: HttpResponse) -> dict[str, Any]:
    payload = response.json()
    if response.is_success:
        return payload
    errors = required_list(required_object(payload, "response"), "errors")
    error = object_row(errors[0]) if errors else {}
    code = optional_text(error, "code") or f"http-{response.status}"
    raise ProviderRefused(code, optional_text(error, "message"))
