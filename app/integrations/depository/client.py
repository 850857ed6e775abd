"""The depository's protocol: statements in pages, and error codes."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from app.integrations.response_parsing import optional_text, required_list, required_text
from app.integrations.transport import HttpResponse, Transport, parsing_response
from app.providers.errors import ProviderRefused, ProviderUnavailable, ResponseUnreadable

_PAGES_MAX = 1000


class DepositoryClient:
    """Requests to the depository.

    The method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(self, base_url: str, key: str, *, timeout_seconds: float) -> None:
        self._transport = Transport(
            base_url, timeout_seconds=timeout_seconds, headers={"X-API-Key": key}
        )

    def get_statement(self, account: str) -> tuple[Mapping[str, Any], list[object]]:
        """Return the first page of the latest statement, and the items of all pages.

        Raises `ResponseUnreadable` if another statement came between two pages.
        """
        path = f"/accounts/{quote(account, safe='')}/inventory"
        first = page = _read(self._transport.request("GET", path))
        items = required_list(page, "items")
        for _ in range(_PAGES_MAX):
            cursor = optional_text(page, "next")
            if not cursor:
                return first, items
            page = _read(self._transport.request("GET", path, params={"after": cursor}))
            if required_text(page, "as_of") != required_text(first, "as_of"):
                raise ResponseUnreadable("Another statement came between two pages.")
            items += required_list(page, "items")
        raise ResponseUnreadable(f"The statement has more than {_PAGES_MAX} pages.")


def _read(response: HttpResponse) -> dict[str, Any]:
    if response.is_success:
        return response.json()
    with parsing_response():
        code = str(response.json()["error"]["code"])
    if response.status == HTTPStatus.UNAUTHORIZED:
        raise ProviderUnavailable(f"The depository rejected our key: {code}.")
    raise ProviderRefused(code)
