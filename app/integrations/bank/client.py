"""The bank's protocol: JSON requests and error codes."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from app.integrations.transport import HttpResponse, Transport, parsing_response
from app.providers.errors import OwnFundsTooLow, ProviderRefused, ProviderUnavailable

Document = dict[str, Any]

_PAGE = 100
#: Refusals because of our balance at the bank.
_OWN_FUNDS = frozenset({"balance_too_low"})


class BankClient:
    """Requests to the bank.

    Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(self, base_url: str, key: str, *, timeout_seconds: float) -> None:
        self._transport = Transport(
            base_url, timeout_seconds=timeout_seconds, headers={"X-API-Key": key}
        )

    def put_account(self, reference: str, holder: str) -> Document:
        """Return the account with a reference, created if it does not exist."""
        return self._request("PUT", f"/accounts/{reference}", json={"holder": holder})

    def get_arrival(self, identifier: str) -> Document:
        """Return an incoming transfer."""
        return self._request("GET", f"/arrivals/{identifier}")

    def list_arrivals(self, *, account: str = "", since: str = "") -> list[object]:
        """Return incoming transfers: of one account, or of all accounts since an instant."""
        path = f"/accounts/{account}/arrivals" if account else "/arrivals"
        return list(self._pages(path, since))

    def create_payout(self, order: Document, *, key: str) -> Document:
        """Order a payout. The bank recognises a repetition by `key`."""
        return self._request("POST", "/payouts", json=order, headers={"Idempotency-Key": key})

    def find_payout(self, reference: str) -> Document | None:
        """Return the payout with a reference; None if there is none."""
        response = self._transport.request("GET", f"/payouts/by-reference/{reference}")
        if response.status == HTTPStatus.NOT_FOUND and _code(response) == "payout_not_found":
            return None
        return _read(response)

    def list_payouts(self, since: str) -> list[object]:
        """Return every payout since an instant."""
        return list(self._pages("/payouts", since))

    def _pages(self, path: str, since: str) -> Iterator[object]:
        query = {"limit": str(_PAGE)} | ({"since": since} if since else {})
        cursor: object = ""
        while cursor is not None:
            page = self._request("GET", path, params=query)
            with parsing_response():
                items, cursor = list(page["items"]), page["next"]
            yield from items
            query["after"] = str(cursor)

    def _request(self, method: str, path: str, **options: Any) -> Document:
        return _read(self._transport.request(method, path, **options))


def _read(response: HttpResponse) -> Document:
    if response.status == HTTPStatus.UNAUTHORIZED:
        raise ProviderUnavailable(f"The bank rejected our key: {_code(response)}.")
    if not response.is_success:
        code = _code(response)
        raise OwnFundsTooLow(code) if code in _OWN_FUNDS else ProviderRefused(code)
    return response.json()


def _code(response: HttpResponse) -> str:
    with parsing_response():
        return str(response.json()["error"]["code"])
