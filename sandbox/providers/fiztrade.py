"""Dillon Gage's FizTrade: prices that are locked for some seconds, orders, and what is sent of
them. What is assumed of the protocol is in app/integrations/fiztrade."""

import secrets
from collections.abc import Mapping
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request
from werkzeug.exceptions import NotFound

from sandbox import clock
from sandbox.custodians import json_response
from sandbox.keys import sandbox_key
from sandbox.provider import SandboxProvider, settlement_seconds, store
from sandbox.store import Document

NAME = "fiztrade"
_LOCK_SECONDS = 20
_CHICAGO = ZoneInfo("America/Chicago")
_ASKS = {"gold": "4012.00", "silver": "50.25", "platinum": "1558.00", "palladium": "1408.00"}
#: Metal, ounces and the premium of one unit in dollars. Any other product is no favourite.
_PRODUCTS = {
    "1EAGLE": ("gold", "1", "95.00"),
    "1MAPLE": ("gold", "1", "80.00"),
    "1BUFF": ("gold", "1", "90.00"),
    "1KRUG": ("gold", "1", "70.00"),
    "1KILOG": ("gold", "32.148", "450.00"),
    "SE": ("silver", "1", "3.50"),
    "SML": ("silver", "1", "2.75"),
    "PL": ("platinum", "1", "65.00"),
    "PDML": ("palladium", "1", "60.00"),
}

provider = SandboxProvider(NAME, "Dillon Gage FizTrade")


def _error(text: str) -> Response:
    """Return an error as FizTrade does: inside of success."""
    return json_response({"error": text})


def _is_known(token: str) -> bool:
    return token == sandbox_key(NAME)


@provider.operation("GET", "/FizServices/GetSpotPriceData/<token>", "spot.get")
def get_spot(token: str) -> Response:
    """Return the asks, at a time on the wall clock of Chicago."""
    if not _is_known(token):
        return _error("Invalid token")
    stored = store().get(NAME, "spot", "spot") or {}
    shown = clock.instant() + timedelta(seconds=stored.get("offset", 0))
    wall = shown.astimezone(_CHICAGO).replace(tzinfo=UTC)
    # The wholesaler sends prices as JSON numbers; nothing is computed with them here.
    asks = {f"{metal}Ask": float(ask) for metal, ask in _asks().items()}
    return json_response(
        {
            **asks,
            "areStale": stored.get("stale", 0),
            "activeFeed": "sandbox",
            "spotTime": f"/Date({int(wall.timestamp() * 1000)})/",
        }
    )


@provider.operation("POST", "/FizServices/LockPrices/<token>", "prices.lock")
def lock_prices(token: str) -> Response:
    """Keep the prices of products for some seconds."""
    payload: Any = request.get_json()
    if not _is_known(token):
        return _error("Invalid token")
    unknown = [item["code"] for item in payload["items"] if item["code"] not in _PRODUCTS]
    if unknown:
        return _error(f"Product {unknown[0]} is not in your favorites")
    if any(not isinstance(item["qty"], str) for item in payload["items"]):
        return _error("qty must be a string")
    lock = {
        "token": secrets.token_hex(12),
        "reference": payload["transactionId"],
        "items": {item["code"]: int(item["qty"]) for item in payload["items"]},
        "ends": clock.now() + _LOCK_SECONDS,
    }
    store().put(NAME, "lock", lock["token"], lock)
    prices = [{"product": code, "amount": _price(code)} for code in lock["items"]]
    return json_response({"lockToken": lock["token"], "prices": prices})


@provider.operation("POST", "/FizServices/ExecuteTrade/<token>", "trades.execute")
def execute_trade(token: str) -> Response:
    """Take an order at locked prices. A repetition is another order."""
    payload: Any = request.get_json()
    if not _is_known(token):
        return _error("Invalid token")
    lock = store().get(NAME, "lock", payload["lockToken"])
    if lock is None or lock["ends"] < clock.now():
        return _error("Lock token expired")
    number = len(store().find(NAME, "order")) + 1
    order = {
        "transactionId": payload["transactionId"],
        "referenceNumber": payload["referenceNumber"],
        "confirmationNumber": f"FIZ{number:07d}{secrets.token_hex(2).upper()}",
        "status": "Open",
        "items": lock["items"],
        "sent": dict.fromkeys(lock["items"], 0),
        "trackingNumbers": [],
        "placed": clock.now(),
        "placed_at": clock.text(),
        "ships_by_itself": True,
    }
    _put(order)
    shown = ("transactionId", "referenceNumber", "confirmationNumber", "status")
    return json_response({name: order[name] for name in shown})


@provider.operation("GET", "/FizServices/GetOrders/<token>", "orders.get")
def get_orders(token: str) -> Response:
    """Return the orders with a transaction id, or since an instant."""
    if not _is_known(token):
        return _error("Invalid token")
    orders = store().find(NAME, "order")
    if wanted := request.args.get("transactionId"):
        orders = [order for order in orders if order["transactionId"] == wanted]
    since = request.args.get("since", "")
    shown = [_rendered(order) for order in orders if order["placed_at"] >= since]
    return json_response({"orders": shown})


@provider.periodic_task
def ship_due() -> None:
    """Send what was ordered so many seconds ago as a payout takes to settle."""
    for order in store().find(NAME, "order", status="Open", ships_by_itself=True):
        if clock.now() >= order["placed"] + settlement_seconds():
            _send(order, order["items"])


@provider.control("POST", "/send")
def send() -> Response:
    """So many units of an order are sent, and the rest is on back-order: {"transactionId",
    "units": {"SE": 5}}."""
    payload = request.get_json()
    order = _find(payload["transactionId"])
    return json_response(_rendered(_send(order, payload["units"])))


@provider.control("POST", "/hold")
def hold() -> Response:
    """An order is not sent by itself: {"transactionId"}."""
    order = _find(request.get_json()["transactionId"])
    return json_response(_rendered(_put({**order, "ships_by_itself": False})))


@provider.control("POST", "/cancel")
def cancel() -> Response:
    """Dillon Gage cancels an order: {"transactionId"}."""
    order = _find(request.get_json()["transactionId"])
    return json_response(_rendered(_put({**order, "status": "Cancelled"})))


@provider.control("POST", "/spot")
def set_spot() -> Response:
    """The asks are these from now on; with `stale` 1 they are old, with `offset` their time is so
    many seconds off: {"asks": {"gold": "4100.00"}, "stale": 0, "offset": 0}."""
    return json_response(store().put(NAME, "spot", "spot", request.get_json()))


def _asks() -> Mapping[str, str]:
    stored = store().get(NAME, "spot", "spot") or {}
    return {**_ASKS, **stored.get("asks", {})}


def _price(code: str) -> float:
    """Return the price of one unit as the JSON number that the wholesaler sends; it is computed
    exactly before."""
    metal, ounces, premium = _PRODUCTS[code]
    price = Decimal(_asks()[metal]) * Decimal(ounces) + Decimal(premium)
    return float(round(price, 2))


def _send(order: Document, units: Mapping[str, int]) -> Document:
    sent = {
        code: min(count, order["sent"][code] + units.get(code, 0))
        for code, count in order["items"].items()
    }
    status = "Shipped" if sent == order["items"] else "Partially Shipped"
    number = f"1Z{secrets.token_hex(8).upper()}"
    tracking = [*order["trackingNumbers"], number]
    return _put({**order, "sent": sent, "status": status, "trackingNumbers": tracking})


def _find(transaction_id: str) -> Document:
    found = store().find(NAME, "order", transactionId=transaction_id)
    if not found:
        raise NotFound
    return found[0]


def _rendered(order: Document) -> Document:
    items = [
        {"code": code, "qty": str(count), "shippedQty": str(order["sent"][code])}
        for code, count in order["items"].items()
    ]
    shown = (
        "transactionId", "referenceNumber", "confirmationNumber", "status", "trackingNumbers",
    )  # fmt: skip
    return {**{name: order[name] for name in shown}, "items": items}


def _put(order: Document) -> Document:
    return store().put(NAME, "order", order["confirmationNumber"], order)
