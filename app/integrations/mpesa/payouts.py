"""M-Pesa as a rail: payouts to a phone. Their results come by callback only."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Any, TypeVar

from app.catalog.provider_ids import MPESA
from app.catalog.rules import USD
from app.funding.ports import Payout, PayoutOrder, PayoutState
from app.integrations.mpesa.exchange_rate import AgreedTerms, read_shillings
from app.integrations.mpesa.rail import MpesaRail, to_msisdn
from app.integrations.mpesa.webhook import (
    PAYOUT,
    QUERY_PAYOUT,
    SEND_PAYOUT,
    STATUS,
    TIMEOUT,
    CallbackSubject,
    PayoutHistory,
)
from app.integrations.transport import parsing_response
from app.kit import clock
from app.kit.money import Amount
from app.providers.errors import (
    OwnFundsTooLow,
    ProviderOutcomeUnknown,
    ProviderRefused,
    ResponseUnreadable,
)
from app.providers.ports import Listing, SetAsideRow
from app.providers.queries import StoredEvent

T = TypeVar("T")
Document = dict[str, Any]

_DONE = "0"
_DUPLICATE = "15"
_OWN_FUNDS_TOO_LOW = "1"
#: Results of a busy or unreachable system, after which the money may still move.
_UNCERTAIN = frozenset({"17", "26", "1025", "1037", "9999"})
_PAYOUT_UNKNOWN = "2032"
#: How long an order without a response may still be in transit.
_TRANSIT_MAX = timedelta(minutes=2)
#: Minimum pause between queries: each reply makes us look, and each look would query again.
_QUERY_PAUSE = timedelta(seconds=15)
_FINAL_STATES = {
    "Completed": PayoutState.COMPLETED,
    "Failed": PayoutState.FAILED,
    "Cancelled": PayoutState.FAILED,
    "Declined": PayoutState.FAILED,
    "Expired": PayoutState.FAILED,
}


class _Unsettled(Enum):
    """What a callback about a payout that has not ended says."""

    UNKNOWN = auto()
    """Daraja knows no such payout."""
    IN_PROGRESS = auto()
    """It may still end either way."""
    OWN_FUNDS_TOO_LOW = auto()
    """Our account could not cover it, so nothing was sent: it can be ordered again."""


class MpesaPayouts(MpesaRail):
    """A `PayoutRail` whose results come only by callback.

    `find` reads what has come, and queries Daraja if nothing has that can be read.
    """

    def send(self, order: PayoutOrder) -> Payout:
        """Order a payout to the phone in `destination`. Call `find` before repeating an order."""
        phone = to_msisdn(order.destination["phone"])
        terms = self._terms_of(order)
        if not terms.shillings:
            raise ProviderRefused("less_than_a_shilling")

        def send_payout() -> Payout:
            code = self._client.send_payout(
                reference=_order_id(order.reference, terms.order),
                phone=phone,
                shillings=terms.shillings,
                callback=self._url(PAYOUT, order.reference, str(terms)),
                timeout_callback=self._url(TIMEOUT, order.reference, str(terms)),
            )
            if code == _OWN_FUNDS_TOO_LOW:
                raise OwnFundsTooLow(f"mpesa_{code}")
            if code not in {_DONE, _DUPLICATE}:
                raise ProviderRefused(f"mpesa_{code}")
            return _payout(order.reference, PayoutState.SENT, order.amount)

        return self._caller.call(
            SEND_PAYOUT, send_payout, reference=order.reference, idempotent=False, terms=str(terms)
        )

    def find(self, reference: str) -> Payout | None:
        """Return the payout with our reference once it ended; completed if any callback says so.

        None if Daraja, queried long enough after our last order, does not know it. Raises
        `OwnFundsTooLow` if our account could not cover the last order. Otherwise queries Daraja and
        raises `ProviderOutcomeUnknown`: the reply comes by callback.
        """
        history = self._history.payout_history(reference)
        results = list(_readable(self._parse_result, history.results))
        if payout := _final(result for _, result in results):
            return payout
        replies = list(_readable(self._parse_status_reply, _replies_to_last_order(history)))
        if payout := _final(reply for _, reply in replies):
            return payout
        if replies and replies[-1][1] is _Unsettled.UNKNOWN and _was_queried_after_transit(history):
            return None
        if results and results[-1][1] is _Unsettled.OWN_FUNDS_TOO_LOW:
            came_at = results[-1][0].received_at
            if history.sent_at is None or history.sent_at <= came_at:
                raise OwnFundsTooLow(f"mpesa_{_OWN_FUNDS_TOO_LOW}")
        now = clock.now()
        if history.queried_at is not None and now < history.queried_at + _QUERY_PAUSE:
            raise ProviderOutcomeUnknown(
                "Daraja was queried a moment ago; the reply comes by callback."
            )
        identifier = _order_id(reference, self._order_number(history))
        # The reply names the shillings only: the terms say for which dollars they were sent.
        detail = ".".join(str(part) for part in (int(now.timestamp()), history.terms) if part)

        def query() -> None:
            self._client.query_payout(
                identifier,
                callback=self._url(STATUS, reference, detail),
                timeout_callback=self._url(TIMEOUT, reference, detail),
            )

        self._caller.call(QUERY_PAYOUT, query, reference=reference, idempotent=True)
        raise ProviderOutcomeUnknown("Daraja was queried; the reply comes by callback.")

    def payouts(self, since: datetime) -> Listing[Payout]:
        """Return every payout that ended since an instant, from its callbacks: Daraja has no
        list."""
        payouts: list[Payout] = []
        set_aside: list[SetAsideRow] = []
        for kind, parse in ((PAYOUT, self._parse_result), (STATUS, self._parse_status_reply)):
            for event in self._history.payout_callbacks(kind, since):
                try:
                    said = parse(event)
                except ResponseUnreadable as error:
                    raw = event.body.decode(errors="replace")
                    set_aside.append(SetAsideRow(event.event_id, error, raw, event.received_at))
                else:
                    payouts += [said] if isinstance(said, Payout) else []
        return Listing(payouts, set_aside)

    def _url(self, kind: str, reference: str, detail: str) -> str:
        return self._callbacks.url_for(CallbackSubject(kind, reference, detail))

    def _terms_of(self, order: PayoutOrder) -> AgreedTerms:
        """Return the terms of an order: when it is repeated, those of the first time."""
        history = self._history.payout_history(order.reference)
        number = self._order_number(history)
        if history.terms is not None and history.terms.order == number:
            return history.terms
        shillings = self._rate().shillings_to_pay_out(order.amount)
        return AgreedTerms(order.amount.units, shillings, number)

    def _order_number(self, history: PayoutHistory) -> int:
        """Return the number of the current order: each one that our account could not cover is
        followed by the next."""
        uncovered = {
            _terms(event).order
            for event, result in _readable(self._parse_result, history.results)
            if result is _Unsettled.OWN_FUNDS_TOO_LOW
        }
        return max(uncovered, default=0) + 1

    def _parse_result(self, event: StoredEvent) -> Payout | _Unsettled:
        """Return the payout in a result callback, or why it has not ended."""
        with parsing_response():
            result, terms = _result(event), _terms(event)
            agreed, code = Amount(USD, terms.cents), str(result["ResultCode"])
            if code == _OWN_FUNDS_TOO_LOW:
                return _Unsettled.OWN_FUNDS_TOO_LOW
            if code in _UNCERTAIN:
                return _Unsettled.IN_PROGRESS
            if code != _DONE:
                return _payout(event.subject, PayoutState.FAILED, agreed, code=f"mpesa_{code}")
            sent = read_shillings(_parameters(result)["TransactionAmount"])
            amount = terms.dollars_for(sent) or self._rate().dollars_paid_out(sent)
            receipt = str(result["TransactionID"])
            return _payout(event.subject, PayoutState.COMPLETED, amount, evidence=receipt)

    def _parse_status_reply(self, event: StoredEvent) -> Payout | _Unsettled:
        """Return the payout in a reply to a status query, or why it has not ended."""
        with parsing_response():
            result = _result(event)
            if str(result["ResultCode"]) == _PAYOUT_UNKNOWN:
                return _Unsettled.UNKNOWN
            parameters = _parameters(result)
            status = str(parameters["TransactionStatus"])
            if status not in _FINAL_STATES:
                return _Unsettled.IN_PROGRESS
            shillings = read_shillings(parameters["Amount"])
            state, terms = _FINAL_STATES[status], _queried_terms(event)
            agreed = terms.dollars_for(shillings) if terms else None
            amount = agreed or self._rate().dollars_paid_out(shillings)
            if state is PayoutState.FAILED:
                return _payout(event.subject, state, amount, code=f"mpesa_{status.lower()}")
            return _payout(event.subject, state, amount, evidence=str(parameters["ReceiptNo"]))


def _readable(
    parse: Callable[[StoredEvent], T], events: Iterable[StoredEvent]
) -> Iterator[tuple[StoredEvent, T]]:
    """Yield the callbacks that can be read. Daraja is asked again about the others."""
    for event in events:
        with suppress(ResponseUnreadable):
            yield event, parse(event)


def _final(said: Iterable[Payout | _Unsettled]) -> Payout | None:
    """Return the payout if it ended: completed if anything says so, for then the money left us."""
    payouts = [payout for payout in said if isinstance(payout, Payout)]
    completed = [payout for payout in payouts if payout.state is PayoutState.COMPLETED]
    return next(reversed(completed or payouts), None)


def _replies_to_last_order(history: PayoutHistory) -> list[StoredEvent]:
    """Return the replies to queries since our last order."""
    sent_at = int(history.sent_at.timestamp()) if history.sent_at else 0
    return [event for event in history.status_replies if _queried_at(event) >= sent_at]


def _was_queried_after_transit(history: PayoutHistory) -> bool:
    """Return whether the latest status reply answers a query long enough after our last order."""
    if history.sent_at is None:
        return True
    return _queried_at(history.status_replies[-1]) > (history.sent_at + _TRANSIT_MAX).timestamp()


def _queried_at(status_reply: StoredEvent) -> int:
    """Return the second of the query that this replies to, from its callback URL's detail."""
    return int(status_reply.event_id.split(".")[2])


def _terms(event: StoredEvent) -> AgreedTerms:
    """Return the terms in the detail of a payout's callback URL, which Daraja returns unchanged."""
    parts = event.event_id.split(".")
    # Callback URLs made before orders were numbered end with the shillings.
    numbers = parts[2:5] if len(parts) > 5 else parts[2:4]  # noqa: PLR2004 - a sixth part is the order number
    return AgreedTerms(*(int(number) for number in numbers))


def _queried_terms(status_reply: StoredEvent) -> AgreedTerms | None:
    """Return the terms in the detail of a query's callback URL; None in URLs made before they were
    kept there."""
    return AgreedTerms.parse(".".join(status_reply.event_id.split(".")[3:-1]))


def _payout(
    reference: str, state: PayoutState, amount: Amount, *, code: str = "", evidence: str = ""
) -> Payout:
    return Payout(reference, reference, state, amount, MPESA, None, code, evidence)


def _order_id(reference: str, number: int) -> str:
    """Return the id of an order: our reference, with a number from the second one on."""
    return reference if number == 1 else f"{reference}-{number}"


def _result(event: StoredEvent) -> Document:
    result: Document = json.loads(event.body, parse_float=Decimal)["Result"]
    return result


def _parameters(result: Document) -> Mapping[str, object]:
    entries = result["ResultParameters"]["ResultParameter"]
    return {str(entry["Key"]): entry.get("Value") for entry in entries}
