"""Plays Paxos: tokens by client credentials, deposit addresses, crypto withdrawals, transfers.

Assumed: webhooks carry no signature, and the object of a transfer's event is the transfer.
"""

import json
import secrets
import time
from typing import Any

from flask import Response, request

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

NAME = "paxos"
OPENING_BALANCES = {"PAXG": "100", "USDC": "250000"}
SEND_FEES = {"PAXG": "0.0002", "USDC": "1"}
_TOKEN_SECONDS = 3600
_TYPES = {"in": "CRYPTO_DEPOSIT", "out": "CRYPTO_WITHDRAWAL"}
_PAGE_MAX = 1000


def _tell(transfer: Document, after_seconds: float) -> None:
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
vault = Vault(NAME, opening_balances=OPENING_BALANCES, send_fees=SEND_FEES, notify=_tell)
add_controls(provider, vault)


def _problem(status: int, slug: str, title: str) -> Response:
    kind = f"https://developer.paxos.com/problems/{slug}" if slug else "about:blank"
    document = {"type": kind, "title": title, "status": status, "detail": title}
    return json_response(document, status, "application/problem+json")


def _refused() -> Response | None:
    """Unless the request carries a token that lives."""
    _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
    found = store().get(NAME, "token", token)
    if found is None or found["until"] < time.time():
        return _problem(401, "", "Unauthorized")
    return None


_operation = authenticated_operation(provider, _refused)


@provider.operation("POST", "/oauth2/token", "token")
def create_token() -> Response:
    """Give a token for the client's own name and secret."""
    form = request.form
    if (
        form.get("grant_type") != "client_credentials"
        or form.get("client_secret") != sandbox_key(NAME)
        or "transfer:write_crypto_withdrawal" not in form.get("scope", "").split()
    ):
        return json_response({"error": "invalid_client"}, 401)
    made = secrets.token_hex(24)
    store().put(NAME, "token", made, {"token": made, "until": time.time() + _TOKEN_SECONDS})
    return json_response(
        {"access_token": made, "expires_in": _TOKEN_SECONDS, "token_type": "bearer"}
    )


@_operation("POST", "/v2/transfer/deposit-addresses", "addresses.create")
def create_address() -> Response:
    """A second use of a reference is a conflict."""
    asked: Any = request.get_json()
    made, before = vault.get_or_create_address(
        asked["ref_id"], asked.get("metadata", {}).get("asset", "")
    )
    if before:
        return _problem(409, "already-exists", "Deposit address already exists")
    return json_response(_address(made))


@_operation("GET", "/v2/transfer/deposit-addresses", "addresses.list")
def list_addresses() -> Response:
    """By reference."""
    found = [store().get(NAME, "address", each) for each in request.args.getlist("ref_ids")]
    return json_response({"items": [_address(each) for each in found if each is not None]})


@_operation("POST", "/v2/transfer/crypto-withdrawals", "withdrawals.create")
def create_withdrawal() -> Response:
    """A second use of a reference is a conflict, before anything else is looked at."""
    asked: Any = request.get_json()
    if vault.find_send(asked["ref_id"]) is not None:
        return _problem(409, "already-exists", "Transfer already exists")
    if has_fault(FaultMode.REFUSED):
        return _problem(403, "travel-rule-information-required", "Travel rule")
    if not vault.supports(asked["asset"]) or not asked["destination_address"].startswith("0x"):
        return _problem(400, "unsupported-address", "Unsupported address")
    try:
        sent = vault.send(
            asked["ref_id"], asked["asset"], asked["amount"], asked["destination_address"]
        )
    except VaultBalanceTooLow:
        return _problem(403, "insufficient-funds", "Insufficient funds")
    return json_response(_rendered(sent))


@_operation("GET", "/v2/transfer/transfers", "transfers.list")
def list_transfers() -> Response:
    """By reference, type and time; newest first unless asked otherwise."""
    args = request.args
    found = [
        each
        for each in vault.find()
        if each["created_at"] >= args.get("created_at.gte", "")
        and ("ref_ids" not in args or each["reference"] in args.getlist("ref_ids"))
        and ("type" not in args or _TYPES[each["direction"]] in args.getlist("type"))
    ]
    if args.get("order") != "ASC":
        found.reverse()
    start, limit = int(args.get("page_cursor", 0)), min(int(args.get("limit", 100)), _PAGE_MAX)
    items = page_of(found, start, limit)
    page = {"items": [_rendered(each) for each in items]}
    if start + limit < len(found):
        return json_response({**page, "next_page_cursor": str(start + limit)})
    return json_response(page)


@_operation("GET", "/v2/transfer/transfers/<identifier>", "transfers.get")
def get_transfer(identifier: str) -> Response:
    """One transfer."""
    found = vault.get(identifier)
    return json_response(_rendered(found)) if found else _problem(404, "not-found", "Not found")


@_operation("GET", "/v2/profiles/<profile_id>/balances", "balances.list")
def list_balances(profile_id: str) -> Response:  # noqa: ARG001 - there is one profile
    """Of every asset; `trading` is what is on its way."""
    items = [
        {"asset": asset, "available": f"{available:f}", "trading": f"{total - available:f}"}
        for asset, (available, total) in vault.balances().items()
    ]
    return json_response({"items": items})


@_operation("GET", "/v2/events/<identifier>", "events.get")
def get_event(identifier: str) -> Response:
    """One event, as its webhook said it."""
    found = store().get(NAME, "event", identifier)
    return json_response(found) if found else _problem(404, "not-found", "Not found")


def _address(made: Document) -> dict[str, object]:
    return {
        "id": made["id"],
        "ref_id": made["reference"],
        "crypto_network": "ETHEREUM",
        "address": made["address"],
        "created_at": made["created_at"],
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
