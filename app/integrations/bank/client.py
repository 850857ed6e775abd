"""The bank's protocol: JSON requests, and its way to say no."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from app.integrations.transport import HttpResponse, Transport, parsing_response
from app.providers.errors import ProviderRefused, ProviderUnavailable

Document = dict[str, Any]

_PAGE = 100


class BankClient:
    """Asks the bank. Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or
    `ProviderRefused`."""

    def __init__(self, base_url: str, key: str, *, timeout_seconds: float) -> None:
        self._transport = Transport(
            base_url, timeout_seconds=timeout_seconds, headers={"X-API-Key": key}
        )

    def put_account(self, reference: str, holder: str) -> Document:
        """The account with that reference."""
        return self._asked("PUT", f"/accounts/{reference}", json={"holder": holder})

    def get_arrival(self, identifier: str) -> Document:
        """What came in."""
        return self._asked("GET", f"/arrivals/{identifier}")

    def list_arrivals(self, *, account: str = "", since: str = "") -> list[Document]:
        """What came in on one account, or on all since then."""
        path = f"/accounts/{account}/arrivals" if account else "/arrivals"
        return list(self._pages(path, since))

    def create_payout(self, order: Document, *, key: str) -> Document:
        """Pay out. `key` is how the bank knows a repetition."""
        return self._asked("POST", "/payouts", json=order, headers={"Idempotency-Key": key})

    def find_payout(self, reference: str) -> Document | None:
        """The payout with that reference."""
        answer = self._transport.request("GET", f"/payouts/by-reference/{reference}")
        if answer.status == HTTPStatus.NOT_FOUND and _code(answer) == "payout_not_found":
            return None
        return _read(answer)

    def list_payouts(self, since: str) -> list[Document]:
        """Every payout since then."""
        return list(self._pages("/payouts", since))

    def _pages(self, path: str, since: str) -> Iterator[Document]:
        asked = {"limit": str(_PAGE)} | ({"since": since} if since else {})
        following: object = ""
        while following is not None:
            page = self._asked("GET", path, params=asked)
            with parsing_response():
                items, following = list(page["items"]), page["next"]
            yield from items
            asked["after"] = str(following)

    def _asked(self, method: str, path: str, **given: Any) -> Document:
        return _read(self._transport.request(method, path, **given))


def _read(answer: HttpResponse) -> Document:
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise ProviderUnavailable(f"our key is not taken: {_code(answer)}")
    if not answer.is_success:
        raise ProviderRefused(_code(answer))
    return answer.json()


def _code(answer: HttpResponse) -> str:
    with parsing_response():
        return str(answer.json()["error"]["code"])
