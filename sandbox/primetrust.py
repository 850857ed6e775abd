"""Plays a custodian with the shape of Prime Trust's API: JSON:API, and a repetition is answered
with what there is. Assumed as in app/integrations/primetrust; webhooks carry no signature."""

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

NAME = "primetrust"
OPENING_BALANCES = {"PAXG": "50", "USDC": "100000"}
SEND_FEES = {"PAXG": "0.0005", "USDC": "2.5"}
_STATES = {"pending": "pending", "completed": "settled", "failed": "cancelled"}
_WAYS = {"in": "incoming", "out": "outgoing"}


def _tell(transfer: Document, after_seconds: float) -> None:
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
vault = Vault(NAME, opening_balances=OPENING_BALANCES, send_fees=SEND_FEES, notify=_tell)
add_controls(provider, vault)


def _errors(status: int, code: str) -> Response:
    return json_response({"errors": [{"status": status, "code": code, "title": code}]}, status)


def _refused() -> Response | None:
    _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
    if not token or store().get(NAME, "token", token) is None:
        return _errors(401, "unauthorized")
    return None


_operation = authenticated_operation(provider, _refused)


@provider.operation("POST", "/auth/jwts", "token")
def create_token() -> Response:
    """Give a token for name and password."""
    given = request.authorization
    if given is None or given.password != sandbox_key(NAME):
        return _errors(401, "unauthorized")
    made = secrets.token_hex(24)
    store().put(NAME, "token", made, {"token": made, "user": given.username})
    return json_response({"token": made})


@_operation("POST", "/v2/asset-transfer-methods", "addresses.create")
def create_address() -> Response:
    """A way for assets to come in: a wallet's address."""
    attributes = _attributes()
    made, _ = vault.get_or_create_address(_idempotent_id(), attributes["asset-id"])
    rendered = {**attributes, "wallet-address": made["address"], "created-at": made["created_at"]}
    return _resource("asset-transfer-methods", made["id"], rendered, 201)


@_operation("POST", "/v2/asset-disbursements", "disbursements.create")
def create_disbursement() -> Response:
    """Send; a repetition is answered with the transfer that there is."""
    attributes, key = _attributes(), _idempotent_id()
    before = store().get(NAME, "disbursement", key)
    if before is not None:
        if before["attributes"] != attributes:
            return _errors(409, "idempotent-id-used")
        found = vault.get(before["id"])
        assert found is not None
        return _transfer(found, 201)
    if has_fault(FaultMode.REFUSED) or not vault.supports(attributes["asset-id"]):
        is_kept = vault.supports(attributes["asset-id"])
        return _errors(422, "compliance-review-failed" if is_kept else "asset-not-supported")
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
    """By reference and time, oldest first."""
    args = request.args
    found = [
        each
        for each in vault.find()
        if each["created_at"] >= args.get("filter[created-at gte]", "")
        and each["reference"] == args.get("filter[reference eq]", each["reference"])
    ]
    number, size = int(args.get("page[number]", 1)), int(args.get("page[size]", 25))
    items = page_of(found, (number - 1) * size, size)
    return json_response({"data": [_data(each) for each in items]})


@_operation("GET", "/v2/asset-transfers/<identifier>", "transfers.get")
def get_transfer(identifier: str) -> Response:
    """One transfer."""
    found = vault.get(identifier)
    return _transfer(found, 200) if found else _errors(404, "not-found")


@_operation("GET", "/v2/account-asset-totals", "balances.list")
def list_balances() -> Response:
    """Of every asset."""
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
    asked: Any = request.get_json()
    found: dict[str, Any] = asked["data"]["attributes"]
    return found


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
        "transfer-direction": _WAYS[transfer["direction"]],
        "status": _STATES[transfer["state"]],
        "wallet-address": transfer["address"],
        "reference": transfer["reference"],
        "transaction-hash": transfer["tx_hash"] if is_done else "",
        "created-at": transfer["created_at"],
    }
    return {"type": "asset-transfers", "id": transfer["id"], "attributes": attributes}
