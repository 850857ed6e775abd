"""Simulates a custodian in the form of Anchorage's API.

Every request, webhook and address is signed with Ed25519. Assumptions as in
app/integrations/anchorage.
"""

import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Response, request

from sandbox import clock
from sandbox.custodians import (
    Vault,
    VaultBalanceTooLow,
    add_controls,
    authenticated_operation,
    json_response,
    page_of,
)
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from sandbox.provider import SandboxProvider, has_fault, webhook_queue
from sandbox.store import Document

NAME = "anchorage"
OPENING_BALANCES = {"PAXG": "20", "USDC": "100000"}
SEND_FEES = {"PAXG": "0.0008", "USDC": "4"}
_STATES = {"pending": "IN_PROGRESS", "completed": "COMPLETED", "failed": "FAILED"}
_FINAL = {"completed": "SUCCESS", "failed": "FAILURE"}
_SIGNATURE_AGE_MAX = 60


def _key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(sandbox_key(f"{NAME} {name}")))


def _queue_webhook(transfer: Document, after_seconds: float) -> None:
    subject = "deposit" if transfer["direction"] == "in" else "transfer"
    body = {
        "id": f"evt_{transfer['id']}_{transfer['state']}",
        "type": f"{subject}.{transfer['state']}",
        "data": {"id": transfer["id"], "amount": transfer["amount"]},
    }
    webhook_queue().send(NAME, json.dumps(body), after_seconds=after_seconds)


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """Sign the seconds and the body; the URL does not matter."""
    del url
    seconds = str(int(at))
    key = Ed25519PrivateKey.from_private_bytes(bytes(32)) if forged else _key("webhooks")
    return {"Api-Timestamp": seconds, "Api-Signature": key.sign(seconds.encode() + body).hex()}


provider = SandboxProvider(NAME, "Anchorage", sign=sign)
vault = Vault(NAME, opening_balances=OPENING_BALANCES, send_fees=SEND_FEES, notify=_queue_webhook)
add_controls(provider, vault)


def _error(status: int, kind: str) -> Response:
    return json_response({"errorType": kind, "message": kind}, status)


def _authentication_error() -> Response | None:
    """Return an error unless the request has the access key and was signed now."""
    headers = request.headers
    seconds = headers.get("Api-Timestamp", "0")
    query = b"?" + request.query_string if request.query_string else b""
    signed = f"{seconds}{request.method}{request.path}".encode() + query
    try:
        is_old = abs(clock.now() - int(seconds)) > _SIGNATURE_AGE_MAX
        signature = bytes.fromhex(headers.get("Api-Signature", ""))
        _key("requests").public_key().verify(signature, signed + request.get_data())
    except (InvalidSignature, ValueError):
        return _error(401, "Unauthenticated")
    is_known = headers.get("Api-Access-Key") == sandbox_key(NAME) and not is_old
    return None if is_known else _error(401, "Unauthenticated")


_operation = authenticated_operation(provider, _authentication_error)


@_operation("POST", "/v2/vaults/<vault_id>/addresses", "addresses.create")
def create_address(vault_id: str) -> Response:  # noqa: ARG001 - there is one vault
    """Create an address, with a signature that proves whose it is."""
    payload: Any = request.get_json()
    created, _ = vault.get_or_create_address(payload["idempotentId"], payload["assetType"])
    signed_payload = json.dumps({"TextAddress": created["address"]}).encode()
    if has_fault(FaultMode.WRONG_AMOUNT):
        # An attacker in between replaces the address.
        created = {**created, "address": f"0x{'1' * 40}"}
    data = {
        "addressId": created["id"],
        "address": created["address"],
        "addressSignaturePayload": signed_payload.hex(),
        "signature": _key("addresses").sign(signed_payload).hex(),
        "signatureVersion": "V1",
    }
    return json_response({"data": data}, 201)


@_operation("POST", "/v2/transfers", "transfers.create")
def create_transfer() -> Response:
    """Send tokens; a repetition gets the first response."""
    payload: Any = request.get_json()
    previous = vault.find_send(payload["idempotentId"])
    if previous is not None:
        return json_response({"data": {"transferId": previous["id"], "status": "QUEUED"}}, 201)
    if has_fault(FaultMode.REFUSED):
        return _error(422, "UnprocessableEntity")
    if not vault.supports(payload["assetType"]):
        return _error(400, "NotImplemented")
    try:
        sent = vault.send(
            payload["idempotentId"],
            payload["assetType"],
            payload["amount"],
            payload["destination"]["id"],
        )
    except VaultBalanceTooLow:
        return _error(400, "InsufficientFunds")
    return json_response({"data": {"transferId": sent["id"], "status": "QUEUED"}}, 201)


@_operation("GET", "/v2/transfers", "transfers.list")
def list_transfers() -> Response:
    """List transfers since a day."""
    since = request.args.get("startDate", "")
    sent = vault.find(direction="out")
    return _page([transfer for transfer in sent if transfer["created_at"] >= since], _sent)


@_operation("GET", "/v2/transfers/<identifier>", "transfers.get")
def get_transfer(identifier: str) -> Response:
    """Return one transfer."""
    transfer = vault.get(identifier)
    if transfer is None or transfer["direction"] != "out":
        return _error(404, "NotFound")
    return json_response({"data": _sent(transfer)})


@_operation("GET", "/v2/transactions", "transactions.list")
def list_transactions() -> Response:
    """List final incoming transactions since the day they became final."""
    since = request.args.get("startDate", "")
    transactions = [
        transaction for transaction in vault.find(direction="in") if transaction["state"] in _FINAL
    ]
    return _page(
        [transaction for transaction in transactions if transaction["updated_at"] >= since],
        _received,
    )


@_operation("GET", "/v2/transactions/<identifier>", "transactions.get")
def get_transaction(identifier: str) -> Response:
    """Return one incoming transaction, final or not."""
    transaction = vault.get(identifier)
    if transaction is None or transaction["direction"] != "in":
        return _error(404, "NotFound")
    return json_response({"data": _received(transaction)})


@_operation("GET", "/v2/vaults/<vault_id>", "balances.list")
def get_vault(vault_id: str) -> Response:
    """Return the vault's balances."""
    assets = [
        {
            "assetType": asset,
            "availableBalance": {"assetType": asset, "quantity": f"{available:f}"},
            "totalBalance": {"assetType": asset, "quantity": f"{total:f}"},
        }
        for asset, (available, total) in vault.balances().items()
    ]
    return json_response({"data": {"vaultId": vault_id, "assets": assets}})


@_operation("GET", "/v2/webhook/validation-key", "webhooks.key")
def get_webhook_key() -> Response:
    """Return the public key that signs webhooks."""
    return json_response({"value": _key("webhooks").public_key().public_bytes_raw().hex()})


def _page(documents: list[Document], render: Any) -> Response:
    after, limit = request.args.get("afterId"), int(request.args.get("limit", 25))
    start = next((n + 1 for n, document in enumerate(documents) if document["id"] == after), 0)
    return json_response(
        {"data": [render(document) for document in page_of(documents, start, limit)], "page": {}}
    )


def _sent(transfer: Document) -> dict[str, object]:
    asset = transfer["asset"]
    return {
        "transferId": transfer["id"],
        "assetType": asset,
        "amount": {"assetType": asset, "quantity": transfer["amount"]},
        "fee": {"assetType": asset, "quantity": transfer["fee"]},
        "destination": {"id": transfer["address"], "type": "ADDRESS"},
        "transferMemo": transfer["reference"],
        "status": _STATES[transfer["state"]],
        "blockchainTxId": transfer["tx_hash"] if transfer["state"] == "completed" else "",
        "createdAt": transfer["created_at"],
    }


def _received(transfer: Document) -> dict[str, object]:
    asset = transfer["asset"]
    return {
        "id": transfer["id"],
        "transactionType": "DEPOSIT",
        "assetType": asset,
        "amount": {"assetType": asset, "quantity": transfer["amount"]},
        "destinationAddresses": [transfer["address"]],
        "status": _FINAL.get(transfer["state"], "INPROGRESS"),
        "blockchainTxId": transfer["tx_hash"],
        "dateTime": transfer["updated_at"],
    }
