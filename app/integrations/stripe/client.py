"""The Stripe protocol through Stripe's own library over our transport, in plain documents."""

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from app.integrations.response_parsing import last_id
from app.integrations.transport import AUTH_FAILURE_STATUSES, Transport, parsing_response
from app.providers.errors import (
    OwnFundsTooLow,
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    import stripe

Document = dict[str, Any]
#: A method of the library that returns one of its objects.
LibraryMethod = Callable[..., Any]

#: The refusal because of our balance at Stripe.
_OWN_FUNDS = "balance_insufficient"
#: Entries per list request.
_PAGE = 100
#: The expanded field with the amounts of a payment.
_MONEY = "latest_charge.balance_transaction"

# The library would log URLs, and bodies at its most verbose.
logging.getLogger("stripe").setLevel(logging.WARNING)


class StripeClient:
    """Requests to Stripe.

    Every method raises `ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused`.
    """

    def __init__(self, base_url: str, key: str, *, timeout_seconds: float) -> None:
        self._base_url = base_url
        self._key = key
        self._transport = Transport(base_url, timeout_seconds=timeout_seconds)

    def create_payment(self, parameters: Mapping[str, Any], *, key: str) -> Document:
        """Create a payment intent, confirmed at once. Stripe recognises a repetition by `key`."""
        confirmed = {**parameters, "confirm": True, "expand": [_MONEY]}
        return self._call(self._api.v1.payment_intents.create, confirmed, {"idempotency_key": key})

    def get_payment(self, identifier: str) -> Document:
        """Return a payment intent."""
        return self._call(self._api.v1.payment_intents.retrieve, identifier, {"expand": [_MONEY]})

    def capture_payment(self, identifier: str, *, key: str) -> Document:
        """Capture the full authorised amount."""
        method, options = self._api.v1.payment_intents.capture, {"idempotency_key": key}
        return self._call(method, identifier, {"expand": [_MONEY]}, options)

    def cancel_payment(self, identifier: str, *, key: str) -> Document:
        """Cancel a payment that is authorised or not yet."""
        method, options = self._api.v1.payment_intents.cancel, {"idempotency_key": key}
        return self._call(method, identifier, {"expand": [_MONEY]}, options)

    def list_payments(self, since: int) -> list[object]:
        """Return every payment intent created since a second of the epoch, newest first."""
        expand = [f"data.{_MONEY}"]
        return list(self._pages(self._api.v1.payment_intents.list, since, expand=expand))

    def search_payments(self, query: str) -> list[object]:
        """Return the results of a search, which may lag by a minute."""
        parameters = {"query": query, "limit": _PAGE, "expand": [f"data.{_MONEY}"]}
        page = self._call(self._api.v1.payment_intents.search, parameters)
        with parsing_response():
            return list(page["data"])

    def get_dispute(self, identifier: str) -> Document:
        """Return a dispute."""
        return self._call(self._api.v1.disputes.retrieve, identifier)

    def list_disputes(self, since: int) -> list[object]:
        """Return every dispute opened since a second of the epoch, newest first."""
        return list(self._pages(self._api.v1.disputes.list, since))

    def create_refund(self, parameters: Mapping[str, Any], *, key: str) -> Document:
        """Refund a captured payment or a part of it. Stripe recognises a repetition by `key`."""
        options = {"idempotency_key": key}
        return self._call(self._api.v1.refunds.create, {**parameters}, options)

    def get_refund(self, identifier: str) -> Document:
        """Return a refund."""
        return self._call(self._api.v1.refunds.retrieve, identifier)

    def list_refunds(self, since: int) -> list[object]:
        """Return every refund made since a second of the epoch, newest first."""
        return list(self._pages(self._api.v1.refunds.list, since))

    def _pages(self, method: LibraryMethod, since: int, **filters: Any) -> Iterator[object]:
        parameters = {"limit": _PAGE, "created": {"gte": since}, **filters}
        has_more = True
        while has_more:
            page = self._call(method, parameters)
            with parsing_response():
                items, has_more = list(page["data"]), bool(page["has_more"])
                if has_more:
                    parameters["starting_after"] = last_id(items, "id")
            yield from items

    def _call(self, method: LibraryMethod, *arguments: Any) -> Document:
        import stripe  # noqa: PLC0415 - takes half a second, needed only here

        try:
            with parsing_response():
                result: Document = method(*arguments).to_dict()
        except stripe.StripeError as error:
            _raise(error)
        return result

    @cached_property
    def _api(self) -> "stripe.StripeClient":
        import stripe  # noqa: PLC0415 - as above

        class TransportHttpClient(stripe.HTTPClient):
            """The library's requests over our transport, with its limits and errors."""

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
                """Send one request. Bytes that are not text are replaced, as the library
                expects."""
                response = self.transport.request(method, url, headers=headers, content=post_data)
                return response.body.decode(errors="replace"), response.status, response.headers

        # The duration of our calls is not Stripe's business.
        stripe.enable_telemetry = False
        return stripe.StripeClient(
            self._key,
            base_addresses={"api": self._base_url},
            max_network_retries=0,  # app/integrations/http_calls.py retries
            http_client=TransportHttpClient(),
        )


def _raise(error: "stripe.StripeError") -> NoReturn:
    """Raise our error for Stripe's, without the original exception: it holds the whole response."""
    body = error.json_body
    details = body.get("error") if isinstance(body, dict) else None
    if error.http_status is None or not isinstance(details, dict):
        raise ProviderOutcomeUnknown(f"HTTP {error.http_status} without an error object.") from None
    code = str(
        details.get("decline_code") or details.get("code") or details.get("type") or "refused"
    )
    if error.http_status == HTTPStatus.CONFLICT:
        # The same request was sent a moment ago and is still in progress.
        raise ProviderOutcomeUnknown(code) from None
    if code == "rate_limit" or error.http_status in AUTH_FAILURE_STATUSES:
        raise ProviderUnavailable(code) from None
    if code == _OWN_FUNDS:
        raise OwnFundsTooLow(code) from None
    # A card error's message is meant for the cardholder; others may quote what we sent.
    is_card_error = error.http_status == HTTPStatus.PAYMENT_REQUIRED
    raise ProviderRefused(
        code, str(details.get("message") or "") if is_card_error else ""
    ) from None
