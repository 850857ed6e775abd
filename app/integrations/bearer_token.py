"""The bearer token of a provider that issues one for a limited time."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from app.integrations.transport import HttpResponse
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: The lifetime of a token that is valid until the provider rejects it.
UNTIL_REJECTED = math.inf
_RENEWAL_MARGIN_SECONDS = 60

#: Sends a request with these headers.
Send = Callable[[Mapping[str, str]], HttpResponse]


def is_unauthorized(response: HttpResponse) -> bool:
    """Return whether a response says that the token is not valid."""
    return response.status == HTTPStatus.UNAUTHORIZED


class BearerToken:
    """Fetches a token when one is needed, and keeps it for its lifetime. Threads share it.

    `fetch` requests a new token from the provider, and returns it with its lifetime in seconds.
    """

    def __init__(
        self,
        fetch: Callable[[], tuple[str, float]],
        *,
        is_rejected: Callable[[HttpResponse], bool] = is_unauthorized,
    ) -> None:
        self._fetch, self._is_rejected = fetch, is_rejected
        self._lock = threading.Lock()
        self._text, self._valid_until = "", -math.inf

    def send(self, send: Send) -> HttpResponse:
        """Return the response to a request that needs the token. If it is rejected, nothing was
        done: the request is sent again with a new token, once.

        Raises `ProviderUnavailable` if there is no token: the request was not sent then.
        """
        used = self._current()
        response = send({"Authorization": f"Bearer {used}"})
        if self._is_rejected(response):
            response = send({"Authorization": f"Bearer {self._current(rejected=used)}"})
        return response

    def _current(self, *, rejected: str | None = None) -> str:
        with self._lock:
            if self._text == rejected or time.monotonic() >= self._valid_until:
                requested_at = time.monotonic()
                try:
                    self._text, seconds = self._fetch()
                except (ProviderOutcomeUnknown, ProviderRefused) as error:
                    raise ProviderUnavailable(f"There is no token: {error}") from None
                self._valid_until = requested_at + max(0, seconds - _RENEWAL_MARGIN_SECONDS)
            return self._text
