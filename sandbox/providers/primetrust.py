"""Simulates a custodian in the form of Prime Trust's API.

JSON:API; a repetition returns the existing resource. Assumptions as in app/integrations/primetrust;
webhooks carry no signature.
"""

import json
import secrets
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
from sandbox.tokens import has_token, issue_token

NAME = "primetrust"
OPENING_BALANCES = {"PAXG": "20", "USDC": "100000"}
SEND_FEES = {"PAXG": "0.0005", "USDC": "2.5"}
_STATES = {"pending": "pending", "completed": "settled", "failed": "cancelled"}
_DIRECTIONS = {"in": "incoming", "out": "outgoing"}


def _queue_webhook(transfer: Document, after_seconds: float) -> None:
    body = {
        "id": secrets.token_hex(16),
        "account_id": "pbcex",
        "action": "update",
        "resource_type": "asset_transfers",
        "resource_id": transfer["id"],
        "data": {"changes": ["status"]},
    }
    webhook_queue().send(NAME, json.dumps(body), after_seconds=after_seconds)


provider = SandboxProvider(NAME, "Prime Trust", sign=sign_nothing)
vault = Vault(NAME, opening_balances=OPENING_BALANCES, send_fees=SEND_FEES, notify=_queue_webhook)
add_controls(provider, vault)


def _errors(status: int, code: str) -> Response:
    return json_response({"errors": [{"status": status, "code": code, "title": code}]}, status)


def _authentication_error() -> Response | None:
    return None if has_token(NAME) else _errors(401, "unauthorized")


_operation = authenticated_operation(provider, _authentication_error)


@provider.operation("POST", "/auth/jwts", "token")
def create_token() -> Response:
    """Return a token for user name and password."""
    credentials = request.authorization
    if credentials is None or credentials.password != sandbox_key(NAME):
        return _errors(401, "unauthorized")
    return json_response({"token": issue_token(NAME)})


@_operation("POST", "/v2/asset-transfer-methods", "addresses.create")
def create_address() -> Response:
    """Create a method for incoming assets: a wallet address."""
    attributes = _attributes()
    created, _ = vault.get_or_create_address(_idempotent_id(), attributes["asset-id"])
    rendered = {
        **attributes,
        "wallet-address": created["address"],
        "created-at": created["created_at"],
    }
    return _resource("asset-transfer-methods", created["id"], rendered, 201)


@_operation("POST", "/v2/asset-disbursements", "disbursements.create")
def create_disbursement() -> Response:
    """Send tokens; a repetition returns the existing transfer."""
    attributes, key = _attributes(), _idempotent_id()
    previous = store().get(NAME, "disbursement", key)
    if previous is not None:
        if previous["attributes"] != attributes:
            return _errors(409, "idempotent-id-used")
        transfer = vault.get(previous["id"])
        assert transfer is not None
        return _transfer(transfer, 201)
    if has_fault(FaultMode.REFUSED) or not vault.supports(attributes["asset-id"]):
        is_supported = vault.supports(attributes["asset-id"])
        return _errors(422, "compliance-review-failed" if is_supported else "asset-not-supported")
    try:
        sent = vault.send(
            attributes["reference"],
            attributes["asset-id"],
            attributes["unit-count"],
            attributes["asset-transfer"]["wallet-address"],
        )
    except VaultBalanceTooLow:
        return _errors(422, "insufficient-balance")
    store().put(NAME, "disbursement", key, {"id": sent["id"], "attributes": attributes})
    return _transfer(sent, 201)


@_operation("GET", "/v2/asset-transfers", "transfers.list")
def list_transfers() -> Response:
    """List transfers by reference and time, oldest first."""
    args = request.args
    transfers = [
        transfer
        for transfer in vault.find()
        if transfer["created_at"] >= args.get("filter[created-at gte]", "")
        and transfer["reference"] == args.get("filter[reference eq]", transfer["reference"])
    ]
    number, size = int(args.get("page[number]", 1)), int(args.get("page[size]", 25))
    items = page_of(transfers, (number - 1) * size, size)
    return json_response({"data": [_data(transfer) for transfer in items]})


@_operation("GET", "/v2/asset-transfers/<identifier>", "transfers.get")
def get_transfer(identifier: str) -> Response:
    """Return one transfer."""
    transfer = vault.get(identifier)
    return _transfer(transfer, 200) if transfer else _errors(404, "not-found")


@_operation("GET", "/v2/account-asset-totals", "balances.list")
def list_balances() -> Response:
    """List the balance of every asset."""
    data = [
        {
            "type": "account-asset-totals",
            "id": asset,
            "attributes": {
                "asset-id": asset,
                "available": f"{available:f}",
                "settled": f"{total:f}",
            },
        }
        for asset, (available, total) in vault.balances().items()
    ]
    return json_response({"data": data})


def _attributes() -> dict[str, Any]:
    payload: Any = request.get_json()
    attributes: dict[str, Any] = payload["data"]["attributes"]
    return attributes


def _idempotent_id() -> str:
    return request.headers["X-Idempotent-ID"]


def _resource(kind: str, identifier: str, attributes: object, status: int) -> Response:
    data = {"type": kind, "id": identifier, "attributes": attributes}
    return json_response({"data": data}, status, "application/vnd.api+json")


def _transfer(transfer: Document, status: int) -> Response:
    return json_response({"data": _data(transfer)}, status, "application/vnd.api+json")


def _data(transfer: Document) -> dict[str, object]:
    is_done = transfer["state"] == "completed"
    attributes = {
        "asset-id": transfer["asset"],
        "unit-count": transfer["amount"],
        "fee": transfer["fee"],
        "transfer-direction": _DIRECTIONS[transfer["direction"]],
        "status": _STATES.get(transfer["state"], transfer["state"]),
        "wallet-address": transfer["address"],
        "reference": transfer["reference"],
        "transaction-hash": transfer["tx_hash"] if is_done else "",
        "created-at": transfer["created_at"],
    }
    return {"type": "asset-transfers", "id": transfer["id"], "attributes": attributes}
