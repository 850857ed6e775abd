"""Twilio's library, with our transport under it: its own cannot say what may have happened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.response import Response
from twilio.rest import Client

from app.integrations.transport import AUTH_FAILURE_STATUSES, Transport
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

T = TypeVar("T")
#: Where the library believes to be speaking to.
_ITS_HOST = "https://api.twilio.com"
#: Our keys are wrong, or the account is shut: nothing happened, and somebody will mend that.


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """An account at Twilio, and where it is. `sender` is a number, or a messaging service (MG…)."""

    base_url: str
    sid: str
    token: str
    sender: str

    def __repr__(self) -> str:
        return f"Account({self.base_url})"


class _OverTransport:
    """What the library asks, sent by us. Nothing of it is logged."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def request(self, method: str, uri: str, **given: Any) -> Response:
        """The answer to one request. Raises as the transport does, whose time limit holds."""
        asked = {name: given.get(name) for name in ("params", "data", "headers", "auth")}
        answer = self._transport.request(method, uri.removeprefix(_ITS_HOST), **asked)
        return Response(answer.status, answer.body.decode(errors="replace"), answer.headers)


def build_client(account: TwilioAccount, *, timeout_seconds: float) -> Client:
    """The library's client for an account."""
    transport = Transport(account.base_url, timeout_seconds=timeout_seconds)
    return Client(account.sid, account.token, http_client=_OverTransport(transport))


def translate_errors(send: Callable[[], T]) -> T:
    """What the library answers, its errors in our terms.

    Raises `ProviderUnavailable` where our keys are not taken, `ProviderRefused` for any other
    refusal, and `ProviderOutcomeUnknown` where what came cannot be read.
    """
    try:
        return send()
    except TwilioRestException as error:
        if error.status in AUTH_FAILURE_STATUSES:
            raise ProviderUnavailable(f"HTTP {error.status}: the account or its keys") from None
        # Its message quotes the number.
        raise ProviderRefused(str(error.code), f"HTTP {error.status}") from None
    except (TwilioException, ValueError, KeyError, TypeError) as error:
        raise ProviderOutcomeUnknown(
            f"an answer that cannot be read: {type(error).__name__}"
        ) from None
