"""HTTP to providers that have no library: what went wrong, in terms of what may have happened."""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import httpx

from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable

BODY_BYTES_MAX = 5_000_000
#: Raised before the first byte of the request is on its way.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)

#: Answers to whoever has no key, or one that is not taken: nothing was looked at or done.
AUTH_FAILURE_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a provider answered, below 500."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether it says that it did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> dict[str, Any]:
        """The document in it, its numbers exact. Raises `ProviderOutcomeUnknown` if it is none: who
        knows what the provider did."""
        try:
            document = json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise ProviderOutcomeUnknown(f"HTTP {self.status} without a JSON document") from None
        if not isinstance(document, dict):
            raise ProviderOutcomeUnknown(f"HTTP {self.status} without a JSON object")
        return document


@contextmanager
def parsing_response() -> Iterator[None]:
    """Around the reading of an answer: where it lacks what it must have, the outcome is unknown."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ProviderOutcomeUnknown(
            f"an answer that cannot be read: {type(error).__name__}"
        ) from None


class Transport:
    """Requests to one address, each within `timeout_seconds` from its start to its last byte.

    `answers` are statuses from 500 on that this provider uses for answers, too.
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
            # Reading every certificate takes its time, and plain HTTP has no use for any.
            verify=not base_url.startswith("http://"),
        )

    def request(self, method: str, path: str, **given: Any) -> HttpResponse:
        """The answer; `given` is what httpx takes: `json`, `data`, `params`, `headers`.

        Raises `ProviderUnavailable` if nothing was sent or the provider asks us to wait,
        `ProviderOutcomeUnknown` if no whole answer came in time or the provider failed.
        """
        deadline = time.monotonic() + self._timeout_seconds
        try:
            with self._client.stream(method, path, **given) as response:
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > BODY_BYTES_MAX:
                        raise ProviderOutcomeUnknown(
                            f"the answer is larger than {BODY_BYTES_MAX} bytes"
                        )
                    if time.monotonic() > deadline:
                        raise ProviderOutcomeUnknown("no whole answer in time")
        except _NOT_SENT as error:
            raise ProviderUnavailable(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise ProviderOutcomeUnknown(type(error).__name__) from error
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise ProviderUnavailable("it asks us to wait")
        is_failure = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        if is_failure and response.status_code not in self._answers:
            raise ProviderOutcomeUnknown(f"HTTP {response.status_code}")
        return HttpResponse(response.status_code, response.headers, body)
