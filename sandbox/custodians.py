"""What custodians have in common: what they keep for the exchange, and every transfer of it.

A send completes by itself after a while, as it would on a network; `pace` says after how long.
Amounts are decimal texts. Each custodian's own module speaks its protocol.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound

from sandbox.faults import FaultMode
from sandbox.provider import Handler, SandboxProvider, has_fault, store
from sandbox.store import Document

_PACE_SECONDS = 3.0

#: Tells the exchange of a transfer in the state that it has, after so many seconds.
Notify = Callable[[Document, float], None]


class VaultBalanceTooLow(Exception):
    """There is less than that."""


class Vault:
    """What one custodian keeps. `opening` is there at first; `costs` is what it takes for a send,
    on top of it."""

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
        """Whether it keeps this asset at all."""
        return asset in self._opening

    def balances(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Available and total by asset: what is on its way out is not available, and still here."""
        self._ripen()
        leaving = dict.fromkeys(self._opening, Decimal(0))
        for each in store().find(self.name, "transfer", direction="out", state="pending"):
            leaving[each["asset"]] += Decimal(each["amount"]) + Decimal(each["fee"])
        return {
            asset: (available, available + leaving[asset])
            for asset, available in ((asset, self._available(asset)) for asset in self._opening)
        }

    def get_or_create_address(self, reference: str, asset: str) -> tuple[Document, bool]:
        """The address with that reference, and whether it was there before."""
        found = store().get(self.name, "address", reference)
        if found is not None:
            return found, True
        made = {
            "id": secrets.token_hex(16),
            "reference": reference,
            "asset": asset,
            "address": f"0x{secrets.token_hex(20)}",
            "created_at": _now(),
        }
        return store().put(self.name, "address", reference, made), False

    def send(self, reference: str, asset: str, amount: str, address: str) -> Document:
        """A send, under a reference that is new. Raises `InsufficientFunds`."""
        fee = Decimal(self._costs[asset])
        if self._available(asset) < Decimal(amount) + fee:
            raise VaultBalanceTooLow
        if has_fault(FaultMode.WRONG_AMOUNT):
            amount = str(Decimal(amount) / 2)
        self._move(asset, -Decimal(amount) - fee)
        sent = self._add("out", asset, amount, address, reference=reference, fee=str(fee))
        self._tell(sent, 0)
        self._tell({**sent, "state": "completed"}, self._pace())
        return sent

    def find_send(self, reference: str) -> Document | None:
        """The send with that reference."""
        found = self.find(reference=reference)
        return found[0] if found else None

    def get(self, identifier: str) -> Document | None:
        """The transfer of that id."""
        self._ripen()
        return store().get(self.name, "transfer", identifier)

    def find(self, **fields: object) -> list[Document]:
        """The transfers with these fields, oldest first."""
        self._ripen()
        return store().find(self.name, "transfer", **fields)

    def receive(self, asset: str, amount: str, address: str, tx_hash: str, state: str) -> Document:
        """Somebody sent something to an address."""
        came = self._add("in", asset, amount, address, tx_hash=tx_hash, state=state)
        if state == "completed":
            self._move(asset, Decimal(amount))
        self._tell(came, 0)
        return came

    def finish(self, transfer: Document, state: str) -> Document:
        """A transfer becomes `completed` or `failed`."""
        if transfer["state"] != "pending":
            raise BadRequest("it is over")
        total = Decimal(transfer["amount"]) + Decimal(transfer["fee"])
        if transfer["direction"] == "in" and state == "completed":
            self._move(transfer["asset"], Decimal(transfer["amount"]))
        if transfer["direction"] == "out" and state == "failed":
            self._move(transfer["asset"], total)
        ended = {**transfer, "state": state, "updated_at": _now()}
        self._tell(store().put(self.name, "transfer", transfer["id"], ended), 0)
        return ended

    def _ripen(self) -> None:
        """Whatever was sent long enough ago has arrived."""
        for each in store().find(self.name, "transfer", direction="out", state="pending"):
            if each["ripe_at"] <= time.time():
                done = {**each, "state": "completed", "updated_at": _now()}
                store().put(self.name, "transfer", each["id"], done)

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
            "ripe_at": time.time() + self._pace(),
        }
        return store().put(self.name, "transfer", identifier, transfer)

    def _available(self, asset: str) -> Decimal:
        found = store().get(self.name, "balance", asset)
        return Decimal(found["amount"] if found else self._opening[asset])

    def _move(self, asset: str, amount: Decimal) -> None:
        now = {"asset": asset, "amount": f"{self._available(asset) + amount:f}"}
        store().put(self.name, "balance", asset, now)

    def _pace(self) -> float:
        found = store().get(self.name, "pace", "pace")
        return float(found["seconds"]) if found else _PACE_SECONDS


def add_controls(provider: SandboxProvider, vault: Vault) -> None:
    """What the world does at a custodian: tokens arrive, and sends end."""

    @provider.control("POST", "/arrivals")
    def arrive() -> Response:
        """Tokens arrive: {"address", "asset": "PAXG", "amount": "0.5", "tx_hash"?, "state"?}."""
        asked: Any = request.get_json()
        if not vault.supports(asked["asset"]):
            raise BadRequest("that is not kept here")
        came = vault.receive(
            asked["asset"],
            asked["amount"],
            asked["address"],
            asked.get("tx_hash", ""),
            asked.get("state", "completed"),
        )
        return json_response(came)

    @provider.control("POST", "/transfers/<identifier>/<state>")
    def end_transfer(identifier: str, state: str) -> Response:
        """A transfer becomes `completed` or `failed`."""
        return json_response(vault.finish(_known(vault.get(identifier)), state))

    @provider.control("POST", "/sends/<reference>/<state>")
    def end_send(reference: str, state: str) -> Response:
        """The send with our reference becomes `completed` or `failed`."""
        return json_response(vault.finish(_known(vault.find_send(reference)), state))

    @provider.control("POST", "/pace")
    def set_pace() -> Response:
        """What is sent takes so long from now on: {"seconds"}."""
        pace = {"seconds": request.get_json()["seconds"]}
        return json_response(store().put(provider.name, "pace", "pace", pace))


def sign_nothing(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """The headers of a webhook that is shown to be genuine by nothing but what the API says."""
    del url, body, at, forged
    return {}


def authenticated_operation(
    provider: SandboxProvider, refusal: Callable[[], Response | None]
) -> Callable[[str, str, str], Callable[[Handler], Handler]]:
    """`provider.operation` for calls that are done only if `refusal` answers none."""

    def operation(method: str, rule: str, name: str) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            def checked(**path: Any) -> Response:
                refused = refusal()
                return handler(**path) if refused is None else refused

            return provider.operation(method, rule, name)(checked)

        return declare

    return operation


def json_response(
    document: object, status: int = 200, content_type: str = "application/json"
) -> Response:
    """A document as a response."""
    return Response(json.dumps(document), status, content_type=content_type)


def page_of(items: list[Document], start: int, limit: int) -> list[Document]:
    """So many of them, from one of them on."""
    return items[start : start + limit]


def _known(transfer: Document | None) -> Document:
    if transfer is None:
        raise NotFound
    return transfer


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
