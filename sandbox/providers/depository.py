"""A depository with our own protocol, described in app/integrations/depository.

It keeps what its controls say, and states it as of this moment.
"""

from collections.abc import Callable

from flask import Response, request

from sandbox import clock
from sandbox.custodians import json_response
from sandbox.keys import sandbox_key
from sandbox.provider import SandboxProvider, store

NAME = "depository"
_PAGE = 100
_ITEMS, _TIMES = "item", "as_of"

Handler = Callable[..., Response]

provider = SandboxProvider(NAME, "Depository")


def _error(status: int, code: str) -> Response:
    return json_response({"error": {"code": code, "message": code.replace("_", " ")}}, status)


@provider.operation("GET", "/accounts/<account>/inventory", "inventory.get")
def get_inventory(account: str) -> Response:
    """Return what is kept in an account."""
    if request.headers.get("X-API-Key") != sandbox_key(NAME):
        return _error(401, "unknown_key")
    stated = store().get(NAME, _TIMES, account)
    if stated is None:
        return _error(404, "account_not_found")
    items = [
        {name: value for name, value in item.items() if name != "account"}
        for item in store().find(NAME, _ITEMS, account=account)
    ]
    # All pages are of the statement whose first page was read.
    after, _, as_of = request.args.get("after", "0").partition("@")
    as_of = as_of or stated["as_of"] or clock.text("microseconds")
    end = int(after) + _PAGE
    page = {
        "as_of": as_of,
        "items": items[int(after) : end],
        "next": f"{end}@{as_of}" if end < len(items) else None,
    }
    return json_response(page)


@provider.control("POST", "/inventory")
def set_inventory() -> Response:
    """An account keeps so many units of a product from now on, and other units as before:
    {"account": "DEPOT-WEST", "sku": "AU-BAR-1OZ", "quantity": 2, "serials": []}. With `as_of`, its
    statement is of that time."""
    document = request.get_json()
    account = document["account"]
    item = {
        "account": account,
        "sku": document["sku"],
        "quantity": document["quantity"],
        "serials": document.get("serials", []),
    }
    store().put(NAME, _TIMES, account, {"as_of": document.get("as_of", "")})
    return json_response(store().put(NAME, _ITEMS, f"{account} {document['sku']}", item))
