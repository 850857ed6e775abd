"""Twilio's library over our transport: its own cannot say what Twilio may have done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.response import Response
from twilio.rest import Client

from app.integrations.transport import AUTH_FAILURE_STATUSES, Transport
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

T = TypeVar("T")
#: The base URL that the library builds its requests with.
_LIBRARY_BASE_URL = "https://api.twilio.com"


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """An account at Twilio and its base URL. `sender` is a number or a messaging service (MG…)."""

    base_url: str
    sid: str
    token: str
    sender: str

    def __repr__(self) -> str:
        return f"TwilioAccount({self.base_url})"


class _TransportHttpClient:
    """The library's requests over our transport. None of them is logged."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def request(self, method: str, uri: str, **options: Any) -> Response:
        """Send one request within the transport's time limit. Raises as the transport does."""
        supported = {name: options.get(name) for name in ("params", "data", "headers", "auth")}
        response = self._transport.request(method, uri.removeprefix(_LIBRARY_BASE_URL), **supported)
        return Response(response.status, response.body.decode(errors="replace"), response.headers)


def build_client(account: TwilioAccount, *, timeout_seconds: float) -> Client:
    """Return the library's client for an account."""
    transport = Transport(account.base_url, timeout_seconds=timeout_seconds)
    return Client(account.sid, account.token, http_client=_TransportHttpClient(transport))


def translate_errors(send: Callable[[], T]) -> T:
    """Return the result of `send`, a call of the library, with errors in our terms.

    Raises `ProviderUnavailable` if our credentials are rejected, `ProviderRefused` for any other
    refusal, and `ProviderOutcomeUnknown` if the response cannot be read.
    """
    try:
        return send()
    except TwilioRestException as error:
        if error.status in AUTH_FAILURE_STATUSES:
            raise ProviderUnavailable(
                f"HTTP {error.status}: check the account and its keys."
            ) from None
        # Twilio's message quotes the phone number.
        raise ProviderRefused(str(error.code), f"HTTP {error.status}") from None
    except (TwilioException, ValueError, KeyError, TypeError) as error:
        raise ProviderOutcomeUnknown(
            f"The response cannot be read: {type(error).__name__}."
        ) from None
