"""HTTP requests to providers without a client library.

Errors say what the provider may have done.
"""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import httpx

from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderUnavailable,
    ResponseUnreadable,
)

BODY_BYTES_MAX = 5_000_000
#: Raised before the first byte of the request is sent.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)

#: Statuses for a missing or rejected key: the provider has done nothing.
AUTH_FAILURE_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response of a provider with a status below 500 or one of the expected error statuses."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> dict[str, Any]:
        """Return the JSON object of the body; decimal numbers are exact.

        Raises `ResponseUnreadable` for any other body: what the provider did is unknown then.
        """
        try:
            document = json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise ResponseUnreadable(f"HTTP {self.status} without a JSON document.") from None
        if not isinstance(document, dict):
            raise ResponseUnreadable(f"HTTP {self.status} without a JSON object.")
        return document


@contextmanager
def parsing_response() -> Iterator[None]:
    """Turn errors while reading a response into `ResponseUnreadable`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ResponseUnreadable(f"The response cannot be read: {type(error).__name__}.") from None


class Transport:
    """Requests to one base URL, each limited to `timeout_seconds` from start to last byte.

    `expected_error_statuses` are statuses from 500 up that are returned like any other response.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        expected_error_statuses: Collection[int] = (),
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._answers = expected_error_statuses
        self._client = httpx.Client(
            base_url=base_url,
            headers=dict(headers or {}),
            auth=auth,
            timeout=timeout_seconds,
            follow_redirects=False,
            trust_env=False,
            # Loading every certificate takes time, and plain HTTP does not need them.
            verify=not base_url.startswith("http://"),
        )

    def request(self, method: str, path: str, **options: Any) -> HttpResponse:
        """Send a request and return its response.

        `options` go to httpx: `json`, `data`, `params`, `headers`. Raises `ProviderUnavailable` if
        nothing was sent or the provider limits our rate, and `ProviderOutcomeUnknown` if no
        complete response arrived in time or the provider failed.
        """
        deadline = time.monotonic() + self._timeout_seconds
        try:
            with self._client.stream(method, path, **options) as response:
                body = b""
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > BODY_BYTES_MAX:
                        raise ProviderOutcomeUnknown(
                            f"The response is larger than {BODY_BYTES_MAX} bytes."
                        )
                    if time.monotonic() > deadline:
                        raise ProviderOutcomeUnknown("No complete response arrived in time.")
        except _NOT_SENT as error:
            raise ProviderUnavailable(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise ProviderOutcomeUnknown(type(error).__name__) from error
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise ProviderUnavailable("The provider limits our request rate.")
        is_failure = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        if is_failure and response.status_code not in self._answers:
            raise ProviderOutcomeUnknown(f"HTTP {response.status_code}")
        return HttpResponse(response.status_code, response.headers, body)
