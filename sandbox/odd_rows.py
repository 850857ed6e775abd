"""Odd rows: what a test or a person adds to a provider's list, shown as it is.

Such a row may be in another currency, in an undocumented state, or no object at all.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, request

from sandbox.store import Store

_OWN = "_sandbox"
_KIND = "odd_rows"
#: Where the list is in the response, by provider and operation.
_PATHS: Mapping[tuple[str, str], Sequence[str | int]] = {
    ("anchorage", "balances.list"): ("data", "assets"),
    ("anchorage", "transactions.list"): ("data",),
    ("anchorage", "transfers.list"): ("data",),
    ("bank", "arrivals.list"): ("items",),
    ("bank", "arrivals.of_account"): ("items",),
    ("bank", "payouts.list"): ("items",),
    ("depository", "inventory.get"): ("items",),
    ("daraja", "payments.list"): ("Response", 0),
    ("brinks", "inventory.get"): ("items",),
    ("jmb", "inventory.get"): ("items",),
    ("fedex", "rates.quote"): ("output", "rateReplyDetails"),
    ("fedex", "tracking.get"): ("output", "completeTrackResults"),
    ("paxos", "balances.list"): ("items",),
    ("paxos", "transfers.list"): ("items",),
    ("primetrust", "balances.list"): ("data",),
    ("primetrust", "transfers.list"): ("data",),
    ("stripe", "disputes.list"): ("data",),
    ("stripe", "payments.list"): ("data",),
}
#: What asks for a further page, and its value for the first one.
_PAGE_ARGUMENTS = {
    "OffSetValue": "0",
    "after": "",
    "afterId": "",
    "page[number]": "1",
    "page_cursor": "",
    "starting_after": "",
}


def add_row(store: Store, provider: str, operation: str, row: object) -> None:
    """Add a row to a list. Raises `ValueError` for an operation that lists nothing."""
    if (provider, operation) not in _PATHS:
        raise ValueError(f"{provider} has no list {operation}")
    identifier = secrets.token_hex(8)
    document = {"id": identifier, "provider": provider, "operation": operation, "row": row}
    store.put(_OWN, _KIND, identifier, document)


def has_lists(provider: str) -> bool:
    """Return whether the provider has a list that rows can be added to."""
    return any(name == provider for name, _ in _PATHS)


def clear_rows(store: Store) -> None:
    """Delete every odd row."""
    for document in store.find(_OWN, _KIND):
        store.delete(_OWN, _KIND, document["id"])


def with_odd_rows(store: Store, provider: str, operation: str, response: Response) -> Response:
    """Return the response, with the odd rows of its list first if it is the first page."""
    path = _PATHS.get((provider, operation))
    odd_rows = [
        document["row"]
        for document in (store.find(_OWN, _KIND) if path else [])
        if (document["provider"], document["operation"]) == (provider, operation)
    ]
    if not path or not odd_rows or response.status_code >= HTTPStatus.BAD_REQUEST:
        return response
    if not _is_first_page():
        return response
    payload: Any = response.get_json()
    rows = payload
    for step in path:
        rows = rows[step]
    rows[:0] = odd_rows
    response.set_data(json.dumps(payload))
    return response


def _is_first_page() -> bool:
    arguments = {**request.args, **(request.get_json(silent=True) or {})}
    return all(str(arguments.get(name, first)) == first for name, first in _PAGE_ARGUMENTS.items())
