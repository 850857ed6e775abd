"""What simulated custodians share: their holdings for PBCEx, and every transfer of them.

A send completes by itself after a while, as on a network; the control `pace` sets how long. Amounts
are decimal texts. Each custodian's own module speaks its protocol.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound

from sandbox import clock
from sandbox.faults import FaultMode
from sandbox.provider import Handler, SandboxProvider, has_fault, store
from sandbox.store import Document

_PACE_SECONDS = 3.0

#: Queues a webhook about a transfer in its current state, to be sent after some seconds.
Notify = Callable[[Document, float], None]


class VaultBalanceTooLow(Exception):
    """The vault holds less than that."""


class Vault:
    """The holdings of one custodian. `send_fees` are charged for a send on top of its amount."""

    def __init__(
        self,
        name: str,
        *,
        opening_balances: Mapping[str, str],
        send_fees: Mapping[str, str],
        notify: Notify,
    ) -> None:
        self.name = name
        self._opening, self._costs, self._tell = opening_balances, send_fees, notify

    def supports(self, asset: str) -> bool:
        """Return whether the custodian holds this asset at all."""
        return asset in self._opening

    def balances(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return available and total by asset. The difference is in transit."""
        self._complete_due_sends()
        in_transit = dict.fromkeys(self._opening, Decimal(0))
        for transfer in store().find(self.name, "transfer", direction="out", state="pending"):
            in_transit[transfer["asset"]] += Decimal(transfer["amount"]) + Decimal(transfer["fee"])
        return {
            asset: (available, available + in_transit[asset])
            for asset, available in ((asset, self._available(asset)) for asset in self._opening)
        }

    def get_or_create_address(self, reference: str, asset: str) -> tuple[Document, bool]:
        """Return the address with a reference, and whether it existed before."""
        existing = store().get(self.name, "address", reference)
        if existing is not None:
            return existing, True
        created = {
            "id": secrets.token_hex(16),
            "reference": reference,
            "asset": asset,
            "address": f"0x{secrets.token_hex(20)}",
            "created_at": _now(),
        }
        return store().put(self.name, "address", reference, created), False

    def send(self, reference: str, asset: str, amount: str, address: str) -> Document:
        """Send tokens under a new reference. Raises `VaultBalanceTooLow`."""
        fee = Decimal(self._costs[asset])
        if self._available(asset) < Decimal(amount) + fee:
            raise VaultBalanceTooLow
        if has_fault(FaultMode.WRONG_AMOUNT):
            amount = str(Decimal(amount) / 2)
        self._change_balance(asset, -Decimal(amount) - fee)
        sent = self._add("out", asset, amount, address, reference=reference, fee=str(fee))
        self._tell(sent, 0)
        self._tell({**sent, "state": "completed"}, self._transit_seconds())
        return sent

    def find_send(self, reference: str) -> Document | None:
        """Return the send with a reference."""
        transfers = self.find(reference=reference)
        return transfers[0] if transfers else None

    def get(self, identifier: str) -> Document | None:
        """Return the transfer of an ID."""
        self._complete_due_sends()
        return store().get(self.name, "transfer", identifier)

    def find(self, **fields: object) -> list[Document]:
        """Return the transfers with these field values, oldest first."""
        self._complete_due_sends()
        return store().find(self.name, "transfer", **fields)

    def receive(self, asset: str, amount: str, address: str, tx_hash: str, state: str) -> Document:
        """Record tokens that arrive at an address."""
        transfer = self._add("in", asset, amount, address, tx_hash=tx_hash, state=state)
        if state == "completed":
            self._change_balance(asset, Decimal(amount))
        self._tell(transfer, 0)
        return transfer

    def finish(self, transfer: Document, state: str) -> Document:
        """Change a pending transfer to `completed` or `failed`."""
        if transfer["state"] != "pending":
            raise BadRequest("The transfer has already ended.")
        total = Decimal(transfer["amount"]) + Decimal(transfer["fee"])
        if transfer["direction"] == "in" and state == "completed":
            self._change_balance(transfer["asset"], Decimal(transfer["amount"]))
        if transfer["direction"] == "out" and state == "failed":
            self._change_balance(transfer["asset"], total)
        changed = {**transfer, "state": state, "updated_at": _now()}
        self._tell(store().put(self.name, "transfer", transfer["id"], changed), 0)
        return changed

    def _complete_due_sends(self) -> None:
        """Complete every send that has been in transit long enough."""
        for transfer in store().find(self.name, "transfer", direction="out", state="pending"):
            if transfer["ripe_at"] <= clock.now():
                completed = {
                    **transfer,
                    "state": "completed",
                    "updated_at": _now(),
                }
                store().put(self.name, "transfer", transfer["id"], completed)

    def _add(
        self,
        direction: str,
        asset: str,
        amount: str,
        address: str,
        *,
        reference: str = "",
        fee: str = "0",
        tx_hash: str = "",
        state: str = "pending",
    ) -> Document:
        identifier = secrets.token_hex(16)
        transfer: Document = {
            "id": identifier,
            "direction": direction,
            "reference": reference,
            "asset": asset,
            "amount": amount,
            "fee": fee,
            "address": address,
            "tx_hash": tx_hash or f"0x{secrets.token_hex(32)}",
            "state": state,
            "created_at": _now(),
            "updated_at": _now(),
            "ripe_at": clock.now() + self._transit_seconds(),
        }
        return store().put(self.name, "transfer", identifier, transfer)

    def _available(self, asset: str) -> Decimal:
        balance = store().get(self.name, "balance", asset)
        return Decimal(balance["amount"] if balance else self._opening.get(asset, "0"))

    def _change_balance(self, asset: str, amount: Decimal) -> None:
        balance = {"asset": asset, "amount": f"{self._available(asset) + amount:f}"}
        store().put(self.name, "balance", asset, balance)

    def _transit_seconds(self) -> float:
        pace = store().get(self.name, "pace", "pace")
        return float(pace["seconds"]) if pace else _PACE_SECONDS


def add_controls(provider: SandboxProvider, vault: Vault) -> None:
    """Add the controls of a custodian: tokens arrive, and sends end."""

    @provider.control("POST", "/arrivals")
    def receive() -> Response:
        """Tokens arrive: {"address", "asset": "PAXG", "amount": "0.5", "tx_hash"?, "state"?}, also
        in an undocumented state, or of another asset."""
        payload: Any = request.get_json()
        transfer = vault.receive(
            payload["asset"],
            payload["amount"],
            payload["address"],
            payload.get("tx_hash", ""),
            payload.get("state", "completed"),
        )
        return json_response(transfer)

    @provider.control("POST", "/transfers/<identifier>/<state>")
    def finish_transfer(identifier: str, state: str) -> Response:
        """A transfer becomes `completed` or `failed`."""
        return json_response(vault.finish(_require(vault.get(identifier)), state))

    @provider.control("POST", "/sends/<reference>/<state>")
    def finish_send(reference: str, state: str) -> Response:
        """The send with our reference becomes `completed` or `failed`."""
        return json_response(vault.finish(_require(vault.find_send(reference)), state))

    @provider.control("POST", "/pace")
    def set_pace() -> Response:
        """Sends take this long from now on: {"seconds"}."""
        pace = {"seconds": request.get_json()["seconds"]}
        return json_response(store().put(provider.name, "pace", "pace", pace))


def sign_nothing(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """Return no headers: the provider does not sign its webhooks."""
    del url, body, at, forged
    return {}


def authenticated_operation(
    provider: SandboxProvider, refusal: Callable[[], Response | None]
) -> Callable[[str, str, str], Callable[[Handler], Handler]]:
    """Return `provider.operation` for calls that run only if `refusal` returns None."""

    def operation(method: str, rule: str, name: str) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            def checked(**path: Any) -> Response:
                refusal_response = refusal()
                return handler(**path) if refusal_response is None else refusal_response

            return provider.operation(method, rule, name)(checked)

        return declare

    return operation


def json_response(
    document: object, status: int = 200, content_type: str = "application/json"
) -> Response:
    """Return a document as a response."""
    return Response(json.dumps(document), status, content_type=content_type)


def page_of(items: list[Document], start: int, limit: int) -> list[Document]:
    """Return up to `limit` items from position `start`."""
    return items[start : start + limit]


def _require(transfer: Document | None) -> Document:
    if transfer is None:
        raise NotFound
    return transfer


def _now() -> str:
    return clock.text("microseconds")
