"""The protocol of metalpriceapi.com: one GET, bounded in time and size."""

import json
import logging
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

import httpx

from app.pricing.ports import FeedFailed

_BODY_MAX_BYTES = 64 * 1024

# httpx logs every URL at INFO, and ours carries the key.
logging.getLogger("httpx").setLevel(logging.WARNING)


class MetalpriceapiClient:
    """Requests to metalpriceapi.com. `app.config` has checked that the base URL is encrypted."""

    def __init__(self, base_url: str, key: str, *, timeout_seconds: float = 5) -> None:
        self._url = base_url.rstrip("/") + "/v1/latest"
        self._key = key
        self._timeout_seconds = timeout_seconds

    def latest(self, symbols: Sequence[str]) -> dict[str, Any]:
        """Return the provider's document of rates with the dollar as base.

        Numbers are int or Decimal. Raises `FeedFailed`, without the key in it, for anything but a
        successful response.
        """
        query = {"api_key": self._key, "base": "USD", "currencies": ",".join(symbols)}
        try:
            status, body = self._get(query)
        except httpx.TimeoutException:
            raise FeedFailed(f"no response within {self._timeout_seconds} seconds") from None
        except httpx.HTTPError as error:
            # The exception holds the URL, so only its class is passed on.
            raise FeedFailed(f"cannot be reached: {type(error).__name__}") from None
        payload = _parse(body)
        if status != httpx.codes.OK or payload is None or payload.get("success") is not True:
            raise FeedFailed(_failure(status, payload))
        return payload

    def _get(self, query: dict[str, str]) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout_seconds
        body = b""
        with httpx.stream(
            "GET", self._url, params=query, timeout=self._timeout_seconds
        ) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _BODY_MAX_BYTES:
                    raise FeedFailed(f"the response is larger than {_BODY_MAX_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise FeedFailed(f"no complete response within {self._timeout_seconds} seconds")
            return response.status_code, body


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        payload = json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _failure(status: int, payload: dict[str, Any] | None) -> str:
    """Return what went wrong, from numbers only: the provider's words might repeat the key."""
    error = payload.get("error") if payload else None
    code = error.get("statusCode") if isinstance(error, dict) else None
    if isinstance(code, int):
        return f"refused with HTTP {status}, error {code}"
    if status != httpx.codes.OK:
        return f"refused with HTTP {status}"
    return "the response is not a JSON document of rates" if payload is None else "refused"
