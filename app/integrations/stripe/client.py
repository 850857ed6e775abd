"""The protocol of Stripe through its own library, over our transport, in plain documents."""

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from app.integrations.transport import AUTH_FAILURE_STATUSES, Transport, parsing_response
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

if TYPE_CHECKING:
    import stripe

Document = dict[str, Any]
#: A method of the library: it answers an object of theirs.
LibraryMethod = Callable[..., Any]

#: Of one question for a list.
_PAGE = 100
#: What the amounts of a payment are made of.
_MONEY = "latest_charge.balance_transaction"

# The library would log addresses, and at its most talkative bodies.
logging.getLogger("stripe").setLevel(logging.WARNING)


class StripeClient:
    """Asks Stripe. Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or
    `ProviderRefused`."""

    def __init__(self, base_url: str, key: str, *, timeout_seconds: float) -> None:
        self._base_url = base_url
        self._key = key
        self._transport = Transport(base_url, timeout_seconds=timeout_seconds)

    def create_payment(self, parameters: Mapping[str, Any], *, key: str) -> Document:
        """A payment intent, confirmed at once. `key` is how Stripe knows a repetition."""
        given = {**parameters, "confirm": True, "expand": [_MONEY]}
        return self._asked(self._api.payment_intents.create, given, {"idempotency_key": key})

    def get_payment(self, identifier: str) -> Document:
        """A payment intent."""
        return self._asked(self._api.payment_intents.retrieve, identifier, {"expand": [_MONEY]})

    def capture_payment(self, identifier: str, *, key: str) -> Document:
        """Take all of what was authorised."""
        ask, options = self._api.payment_intents.capture, {"idempotency_key": key}
        return self._asked(ask, identifier, {"expand": [_MONEY]}, options)

    def cancel_payment(self, identifier: str, *, key: str) -> Document:
        """Give up what was authorised, or was to be."""
        ask, options = self._api.payment_intents.cancel, {"idempotency_key": key}
        return self._asked(ask, identifier, {"expand": [_MONEY]}, options)

    def list_payments(self, since: int) -> list[Document]:
        """Every payment intent that was created since that second, newest first."""
        expand = [f"data.{_MONEY}"]
        return list(self._pages(self._api.payment_intents.list, since, expand=expand))

    def search_payments(self, query: str) -> list[Document]:
        """What the search finds, which may be a minute behind."""
        given = {"query": query, "limit": _PAGE, "expand": [f"data.{_MONEY}"]}
        page = self._asked(self._api.payment_intents.search, given)
        with parsing_response():
            return list(page["data"])

    def get_dispute(self, identifier: str) -> Document:
        """A dispute."""
        return self._asked(self._api.disputes.retrieve, identifier)

    def list_disputes(self, since: int) -> list[Document]:
        """Every dispute that was opened since that second, newest first."""
        return list(self._pages(self._api.disputes.list, since))

    def _pages(self, ask: LibraryMethod, since: int, **more: Any) -> Iterator[Document]:
        given = {"limit": _PAGE, "created": {"gte": since}, **more}
        has_more = True
        while has_more:
            page = self._asked(ask, given)
            with parsing_response():
                found, has_more = list(page["data"]), bool(page["has_more"])
                if has_more:
                    given["starting_after"] = found[-1]["id"]
            yield from found

    def _asked(self, ask: LibraryMethod, *given: Any) -> Document:
        import stripe  # noqa: PLC0415 - half a second that only those pay who use it

        try:
            with parsing_response():
                answer: Document = ask(*given).to_dict()
        except stripe.StripeError as error:
            _raise(error)
        return answer

    @cached_property
    def _api(self) -> "stripe._v1_services.V1Services":
        import stripe  # noqa: PLC0415 - as above

        class OverTransport(stripe.HTTPClient):
            """Their requests over our transport, with its limits and its errors."""

            name = "pbcex"
            transport = self._transport

            def request(
                self,
                method: str,
                url: str,
                headers: Mapping[str, str] | None,
                post_data: Any = None,
                *,
                _usage: list[str] | None = None,
            ) -> tuple[str, int, Mapping[str, str]]:
                """One request. A body that is no text cannot be read by the library either."""
                answer = self.transport.request(method, url, headers=headers, content=post_data)
                return answer.body.decode(errors="replace"), answer.status, answer.headers

        client = stripe.StripeClient(
            self._key,
            base_addresses={"api": self._base_url},
            max_network_retries=0,  # app/integrations/http_calls.py repeats, and notes it
            http_client=OverTransport(),
        )
        # How long our calls take is nobody's business.
        stripe.enable_telemetry = False
        return client.v1


def _raise(error: "stripe.StripeError") -> NoReturn:
    """Our word for it, without their exception: it holds the whole answer."""
    body = error.json_body
    said = body.get("error") if isinstance(body, dict) else None
    if error.http_status is None or not isinstance(said, dict):
        raise ProviderOutcomeUnknown(f"HTTP {error.http_status} without an answer") from None
    code = str(said.get("decline_code") or said.get("code") or said.get("type") or "refused")
    if error.http_status == HTTPStatus.CONFLICT:
        # The same was asked a moment ago and is not answered yet.
        raise ProviderOutcomeUnknown(code) from None
    if code == "rate_limit" or error.http_status in AUTH_FAILURE_STATUSES:
        raise ProviderUnavailable(code) from None
    # What is said of a card is meant for who holds it; other messages may quote what was sent.
    of_card = error.http_status == HTTPStatus.PAYMENT_REQUIRED
    raise ProviderRefused(code, str(said.get("message") or "") if of_card else "") from None
