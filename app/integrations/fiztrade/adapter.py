"""Dillon Gage as a wholesaler."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from app.catalog.rules import USD, Metal
from app.fulfillment.restock.purchase_orders.ports import (
    LOCK_ENDED,
    WholesaleLine,
    WholesaleLock,
    WholesaleOrder,
)
from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import (
    object_row,
    read_rows,
    required_list,
    required_member,
    required_text,
)
from app.kit import clock
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.providers.errors import ProviderRefused, ProviderUnavailable, ResponseUnreadable
from app.providers.ports import Listing

NAME = "fiztrade"
#: Counted from before the call, so that our clock ends first.
LOCK_SECONDS: Final = 20
_SPOT_AGE_MAX = timedelta(minutes=2)
_CHICAGO = ZoneInfo("America/Chicago")
_DATE = re.compile(r"/Date\((\d{1,16})\)/", re.ASCII)
_QUANTITY = re.compile(r"\d{1,7}", re.ASCII)
_ASKS: Mapping[Metal, str] = MappingProxyType(
    {
        Metal.AU: "goldAsk",
        Metal.AG: "silverAsk",
        Metal.PT: "platinumAsk",
        Metal.PD: "palladiumAsk",
    }
)
_CANCELLED: Mapping[str, bool] = MappingProxyType(
    {"Open": False, "Partially Shipped": False, "Shipped": False, "Cancelled": True}
)


class FizTradeApi(Protocol):
    """The methods of the client that the adapter uses."""

    def get(self, method: str, params: Mapping[str, str] | None = None) -> dict[str, Any]: ...

    def post(self, method: str, payload: Mapping[str, Any]) -> dict[str, Any]: ...


class FizTrade:
    """A `Wholesaler`."""

    name = NAME

    def __init__(self, client: FizTradeApi, caller: ProviderCaller, *, trader: str) -> None:
        self._client, self._caller, self._trader = client, caller, trader

    def lock(
        self, reference: str, lines: Sequence[WholesaleLine], metals: frozenset[Metal]
    ) -> WholesaleLock:
        """Return a price that is kept for 20 seconds, with the spot of that moment."""
        if not metals <= _ASKS.keys():
            raise ProviderRefused("metal_not_sold", "It sells no copper.")
        spots = self._caller.call(
            "spot.get", lambda: self._read_spots(metals), reference=reference, idempotent=True
        )
        payload = {
            "transactionId": reference,
            "includeRetailPrices": "no",
            "items": [
                {"code": line.code, "transactionType": "buy", "qty": str(line.units)}
                for line in lines
            ],
        }
        asked_at = clock.now()
        # A lock binds no one: it is repeated like a read.
        answer = self._caller.call(
            "prices.lock",
            lambda: self._client.post("LockPrices", payload),
            reference=reference,
            idempotent=True,
        )
        ends_at = asked_at + timedelta(seconds=LOCK_SECONDS)
        return WholesaleLock(
            required_text(answer, "lockToken"), ends_at, _read_costs(answer, lines), spots
        )

    def execute(
        self, reference: str, token: str, *, number: int, address: PostalAddress | None
    ) -> WholesaleOrder:
        """Place an order at a locked price. FizTrade does not recognise a repetition."""
        payload: dict[str, object] = {
            "transactionId": reference,
            "referenceNumber": str(number),
            "shippingOption": "drop_ship" if address else "hold",
            "lockToken": token,
            "traderId": self._trader,
        }
        if address:
            payload["dropShipInfo"] = _describe(address)

        def execute() -> WholesaleOrder:
            try:
                answer = self._client.post("ExecuteTrade", payload)
            except ProviderRefused as refusal:
                if "lock" in refusal.code.lower():
                    raise ProviderRefused(LOCK_ENDED, refusal.code) from refusal
                raise
            if required_text(answer, "transactionId") != reference:
                raise ResponseUnreadable("The trade is not the one that was ordered.")
            return WholesaleOrder(reference, required_text(answer, "confirmationNumber"))

        return self._caller.call("trades.execute", execute, reference=reference, idempotent=False)

    def find(self, reference: str) -> WholesaleOrder | None:
        """Return the order with our reference."""

        def find() -> WholesaleOrder | None:
            answer = self._client.get("GetOrders", {"transactionId": reference})
            orders = required_list(answer, "orders")
            order = _read_order(object_row(orders[0])) if orders else None
            if order is not None and order.reference != reference:
                raise ResponseUnreadable("The order is not the one that was asked for.")
            return order

        return self._caller.call("orders.find", find, reference=reference, idempotent=True)

    def list_orders(self, since: datetime) -> Listing[WholesaleOrder]:
        """Return the orders that were placed since an instant."""

        def read() -> Listing[WholesaleOrder]:
            answer = self._client.get("GetOrders", {"since": clock.rfc3339(since)})
            rows = required_list(answer, "orders")
            return read_rows(rows, _read_order, id_name="confirmationNumber")

        return self._caller.call(
            "orders.list", read, reference=clock.rfc3339(since), idempotent=True
        )

    def _read_spots(self, metals: frozenset[Metal]) -> Mapping[Metal, Decimal]:
        answer = self._client.get("GetSpotPriceData")
        at = read_spot_time(required_text(answer, "spotTime"), clock.now())
        if answer.get("areStale") or abs(clock.now() - at) > _SPOT_AGE_MAX:
            raise ProviderUnavailable("FizTrade's prices are stale.")
        return {metal: _read_price(answer, _ASKS[metal]) for metal in metals}


def read_spot_time(text: str, now: datetime) -> datetime:
    """Return the instant of a `/Date(ms)/` on the wall clock of Chicago. Of the two instants of an
    hour that the clock shows twice, it is the one nearer to `now`."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ResponseUnreadable("The response has a spotTime that we do not know.")
    shown = datetime.fromtimestamp(int(match[1]) / 1000, UTC).replace(tzinfo=_CHICAGO)
    instants = [shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return min(instants, key=lambda instant: abs(instant - now))


def _read_price(payload: Mapping[str, Any], name: str) -> Decimal:
    """Return a number that is a price."""
    value = payload.get(name)
    price = Decimal(value) if isinstance(value, int | Decimal | str) else Decimal(0)
    if not price.is_finite() or price <= 0:
        raise ResponseUnreadable(f"The response has no {name}.")
    return price


def _read_costs(answer: Mapping[str, Any], lines: Sequence[WholesaleLine]) -> Mapping[str, Amount]:
    """Return what all units of each code cost: exactly those that were asked for."""
    rows = [object_row(row) for row in required_list(dict(answer), "prices")]
    prices = {required_text(row, "product"): _read_price(row, "amount") for row in rows}
    if prices.keys() != {line.code for line in lines} or len(prices) != len(rows):
        raise ResponseUnreadable("The prices are not of the products that were asked for.")
    costs = {}
    for line in lines:
        cents = prices[line.code] * line.units * USD.unit
        if cents != int(cents):
            raise ResponseUnreadable("A price has fractions of a cent.")
        costs[line.code] = Amount(USD, int(cents))
    return costs


def _read_order(row: dict[str, Any]) -> WholesaleOrder:
    sent: Counter[str] = Counter()
    for item in map(object_row, required_list(row, "items")):
        quantity = required_text(item, "shippedQty")
        if not _QUANTITY.fullmatch(quantity):
            raise ResponseUnreadable("A quantity is not a number.")
        sent[required_text(item, "code")] += int(quantity)
    return WholesaleOrder(
        required_text(row, "transactionId"),
        required_text(row, "confirmationNumber"),
        is_cancelled=required_member(row, "status", _CANCELLED),
        sent=dict(sent),
        tracking=tuple(
            text for text in required_list(row, "trackingNumbers") if isinstance(text, str)
        ),
    )


def _describe(address: PostalAddress) -> dict[str, str]:
    fields = {
        "name": address.recipient or "PBCEx",
        "address1": address.street,
        "address2": address.street2,
        "city": address.city,
        "state": address.state_code or address.state,
        "postalCode": address.zip_code,
        "country": address.country,
    }
    return {name: text for name, text in fields.items() if text}
