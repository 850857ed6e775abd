"""Simulates Paxos: tokens by client credentials, deposit addresses, crypto withdrawals, transfers.

Assumed: webhooks carry no signature, and the object of a transfer's event is the transfer.
"""

import json
import secrets
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Response, request

from sandbox import clock
from sandbox.custodians import (
    Vault,
    VaultBalanceTooLow,
    add_controls,
    authenticated_operation,
    json_response,
    page_of,
    sign_nothing,
)
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from sandbox.provider import SandboxProvider, has_fault, store, webhook_queue
from sandbox.store import Document
from sandbox.tokens import LIFETIME, has_scope, has_token, issue_token

NAME = "paxos"
OPENING_BALANCES = {"PAXG": "50", "USDC": "250000"}
SEND_FEES = {"PAXG": "0.0002", "USDC": "1"}
_TYPES = {"in": "CRYPTO_DEPOSIT", "out": "CRYPTO_WITHDRAWAL"}
_PAGE_MAX = 1000
_SCOPES = frozenset(
    {
        "events:read_event",
        "exchange:read_quote",
        "funding:read_profile",
        "transfer:read_deposit_address",
        "transfer:read_transfer",
        "transfer:write_crypto_withdrawal",
        "transfer:write_deposit_address",
    }
)
_OPENING_PRICE = "4000"
#: Half the distance between the quotes to buy and to sell.
_HALF_SPREAD = Decimal("0.0005")


def _queue_webhook(transfer: Document, after_seconds: float) -> None:
    identifier = secrets.token_hex(16)
    event = {
        "id": identifier,
        "type": f"transfer.{_TYPES[transfer['direction']].lower()}.{transfer['state']}",
        "object_type": "transfer",
        "object": _rendered(transfer),
        "created_at": transfer["updated_at"],
    }
    store().put(NAME, "event", identifier, event)
    webhook_queue().send(NAME, json.dumps(event), after_seconds=after_seconds)


provider = SandboxProvider(NAME, "Paxos", sign=sign_nothing)
vault = Vault(NAME, opening_balances=OPENING_BALANCES, send_fees=SEND_FEES, notify=_queue_webhook)
add_controls(provider, vault)


def _problem(status: int, slug: str, title: str) -> Response:
    kind = f"https://developer.paxos.com/problems/{slug}" if slug else "about:blank"
    document = {"type": kind, "title": title, "status": status, "detail": title}
    return json_response(document, status, "application/problem+json")


def _authentication_error() -> Response | None:
    return None if has_token(NAME) else _problem(401, "", "Unauthorized")


_operation = authenticated_operation(provider, _authentication_error)


@provider.operation("POST", "/oauth2/token", "token")
def create_token() -> Response:
    """Return a token for the client's ID and secret."""
    form = request.form
    scopes = form.get("scope", "")
    if (
        form.get("grant_type") != "client_credentials"
        or form.get("client_secret") != sandbox_key(NAME)
        or not _SCOPES.issuperset(scopes.split())
    ):
        return json_response({"error": "invalid_client"}, 401)
    token = issue_token(NAME, scopes=scopes)
    return json_response({"access_token": token, "expires_in": LIFETIME, "token_type": "bearer"})


@_operation("POST", "/v2/transfer/deposit-addresses", "addresses.create")
def create_address() -> Response:
    """Create an address. A second use of a reference is a conflict."""
    payload: Any = request.get_json()
    created, existed = vault.get_or_create_address(
        payload["ref_id"], payload.get("metadata", {}).get("asset", "")
    )
    if existed:
        return _problem(409, "already-exists", "Deposit address already exists")
    return json_response(_address(created))


@_operation("GET", "/v2/transfer/deposit-addresses", "addresses.list")
def list_addresses() -> Response:
    """List addresses by reference."""
    addresses = [
        store().get(NAME, "address", reference) for reference in request.args.getlist("ref_ids")
    ]
    return json_response(
        {"items": [_address(reference) for reference in addresses if reference is not None]}
    )


@_operation("POST", "/v2/transfer/crypto-withdrawals", "withdrawals.create")
def create_withdrawal() -> Response:
    """Send tokens. A second use of a reference is a conflict, checked before anything else."""
    payload: Any = request.get_json()
    if vault.find_send(payload["ref_id"]) is not None:
        return _problem(409, "already-exists", "Transfer already exists")
    if has_fault(FaultMode.REFUSED):
        return _problem(403, "travel-rule-information-required", "Travel rule")
    if not vault.supports(payload["asset"]) or not payload["destination_address"].startswith("0x"):
        return _problem(400, "unsupported-address", "Unsupported address")
    try:
        sent = vault.send(
            payload["ref_id"], payload["asset"], payload["amount"], payload["destination_address"]
        )
    except VaultBalanceTooLow:
        return _problem(403, "insufficient-funds", "Insufficient funds")
    return json_response(_rendered(sent))


@_operation("GET", "/v2/transfer/transfers", "transfers.list")
def list_transfers() -> Response:
    """List transfers by reference, type and time; newest first by default."""
    args = request.args
    transfers = [
        transfer
        for transfer in vault.find()
        if transfer["created_at"] >= args.get("created_at.gte", "")
        and ("ref_ids" not in args or transfer["reference"] in args.getlist("ref_ids"))
        and ("type" not in args or _TYPES[transfer["direction"]] in args.getlist("type"))
    ]
    if args.get("order") != "ASC":
        transfers.reverse()
    start, limit = int(args.get("page_cursor", 0)), min(int(args.get("limit", 100)), _PAGE_MAX)
    items = page_of(transfers, start, limit)
    page = {"items": [_rendered(transfer) for transfer in items]}
    if start + limit < len(transfers):
        return json_response({**page, "next_page_cursor": str(start + limit)})
    return json_response(page)


@_operation("GET", "/v2/transfer/transfers/<identifier>", "transfers.get")
def get_transfer(identifier: str) -> Response:
    """Return one transfer."""
    transfer = vault.get(identifier)
    return (
        json_response(_rendered(transfer)) if transfer else _problem(404, "not-found", "Not found")
    )


@_operation("GET", "/v2/profiles/<profile_id>/balances", "balances.list")
def list_balances(profile_id: str) -> Response:  # noqa: ARG001 - there is one profile
    """List the balance of every asset; `trading` is in transit."""
    items = [
        {"asset": asset, "available": f"{available:f}", "trading": f"{total - available:f}"}
        for asset, (available, total) in vault.balances().items()
    ]
    return json_response({"items": items})


@_operation("GET", "/v2/quotes", "quotes.list")
def list_quotes() -> Response:
    """List a quote to buy and one to sell in each market."""
    if not has_scope(NAME, "exchange:read_quote"):
        return _problem(403, "", "Forbidden")
    markets = request.args.getlist("markets")
    quotes = [_quote(side) for side in ("BUY", "SELL") if "PAXGUSD" in markets]
    return json_response({"items": quotes})


@provider.control("POST", "/price")
def set_price() -> Response:
    """PAXG has this price from now on: {"dollars": "4010.50"}."""
    price = {"dollars": request.get_json()["dollars"]}
    return json_response(store().put(NAME, "price", "PAXGUSD", price))


@_operation("GET", "/v2/events/<identifier>", "events.get")
def get_event(identifier: str) -> Response:
    """Return one event, as in its webhook."""
    event = store().get(NAME, "event", identifier)
    return json_response(event) if event else _problem(404, "not-found", "Not found")


def _quote(side: str) -> dict[str, object]:
    """Return a quote of this second. Its price moves by a cent, as no market's stays the same."""
    created_at = clock.instant().replace(microsecond=0)
    stored = store().get(NAME, "price", "PAXGUSD")
    mid = Decimal(stored["dollars"] if stored else _OPENING_PRICE)
    mid += Decimal(created_at.second % 3 - 1) / 100
    factor = 1 + _HALF_SPREAD if side == "BUY" else 1 - _HALF_SPREAD
    return {
        "id": secrets.token_hex(16),
        "market": "PAXGUSD",
        "side": side,
        "price": f"{mid * factor:.2f}",
        "base_asset": "PAXG",
        "quote_asset": "USD",
        "created_at": _rfc3339(created_at),
        "expires_at": _rfc3339(created_at + timedelta(seconds=10)),
    }


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def _address(address: Document) -> dict[str, object]:
    return {
        "id": address["id"],
        "ref_id": address["reference"],
        "crypto_network": "ETHEREUM",
        "address": address["address"],
        "created_at": address["created_at"],
    }


def _rendered(transfer: Document) -> dict[str, object]:
    return {
        "id": transfer["id"],
        "ref_id": transfer["reference"],
        "asset": transfer["asset"],
        "balance_asset": transfer["asset"],
        "amount": transfer["amount"],
        "fee": transfer["fee"],
        "direction": "CREDIT" if transfer["direction"] == "in" else "DEBIT",
        "type": _TYPES[transfer["direction"]],
        "status": transfer["state"].upper(),
        "destination_address": transfer["address"],
        "crypto_network": "ETHEREUM",
        "crypto_tx_hash": transfer["tx_hash"] if transfer["state"] == "completed" else "",
        "created_at": transfer["created_at"],
        "updated_at": transfer["updated_at"],
    }
