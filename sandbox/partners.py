"""What simulated partners share: goods that they keep for PBCEx, and orders to send them.

An order is processed and shipped by itself, a step whenever as many seconds have passed as a payout
takes to settle. Its parcels travel at the simulated carriers.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Response, request
from werkzeug.exceptions import NotFound

from sandbox import clock
from sandbox.custodians import json_response
from sandbox.parcels import Parcels
from sandbox.provider import SandboxProvider, settlement_seconds, store
from sandbox.store import Document

_ORDER, _ITEM, _STATED = "order", "item", "stated"


class Partner:
    """The orders and goods of one partner, which sends by these carriers."""

    def __init__(
        self, provider: SandboxProvider, carriers: Mapping[str, Parcels], city: str
    ) -> None:
        self._name, self._carriers, self._city = provider.name, carriers, city
        provider.periodic_task(self.move_due)
        provider.control("POST", "/inventory")(self._set_inventory)
        provider.control("POST", "/reject")(self._reject)

    def find(self, reference: str) -> Document | None:
        """Return the order with our reference."""
        return store().get(self._name, _ORDER, reference)

    def find_id(self, identifier: str) -> Document | None:
        """Return the order with the partner's id."""
        found = store().find(self._name, _ORDER, id=identifier)
        return found[0] if found else None

    def has_units(self, units: Mapping[str, int]) -> bool:
        """Return whether so many units by SKU are there beyond what open orders need. Of a product
        that no control has named there are enough."""
        needed = dict(units)
        for order in store().find(self._name, _ORDER, moves=True):
            for sku, quantity in order["units"].items():
                needed[sku] = needed.get(sku, 0) + quantity
        items = {item["sku"]: item["quantity"] for item in self.items()}
        return all(items.get(sku, needed[sku]) >= needed[sku] for sku in units)

    def add(self, reference: str, units: Mapping[str, int], **facts: Any) -> Document:
        """Add an order of units by SKU. `facts` name the `carrier`, the `recipient`, their `street`
        and `city`, and the `serials` that were asked for, by SKU."""
        order = {
            "id": secrets.token_hex(6).upper(),
            "reference": reference,
            "units": dict(units),
            "status": "received",
            "submitted": clock.now(),
            "submitted_at": clock.text(),
            "moved_at": clock.now(),
            "moves": True,
            "parcels": [],
            "reason": "",
            **facts,
        }
        return self._put(order)

    def cancel(self, order: Document) -> Document:
        """Cancel an order; one that was cancelled stays so."""
        return self._put({**order, "status": "cancelled", "moves": False})

    def items(self) -> list[Document]:
        """Return the goods that are kept: SKU, quantity and serials."""
        return store().find(self._name, _ITEM)

    def stated_at(self) -> str:
        """Return when the goods were counted."""
        stated = store().get(self._name, _STATED, "inventory") or {}
        return str(stated.get("as_of") or clock.text("microseconds"))

    def move_due(self) -> None:
        """Let every order take its next step that waited long enough for it."""
        for order in store().find(self._name, _ORDER, moves=True):
            if clock.now() >= order["moved_at"] + settlement_seconds():
                if order["status"] == "received":
                    self._put({**order, "status": "processing", "moved_at": clock.now()})
                else:
                    self._ship(order)

    def _ship(self, order: Document) -> None:
        serials: list[Document] = []
        for sku, units in order["units"].items():
            item = store().get(self._name, _ITEM, sku)
            kept = item["serials"] if item else []
            taken = order["serials"].get(sku) or kept[:units]
            serials += [{"sku": sku, "serial": serial} for serial in taken]
            if item is not None:
                left = [serial for serial in kept if serial not in taken]
                counted = {"quantity": item["quantity"] - units, "serials": left}
                store().put(self._name, _ITEM, sku, {**item, **counted})
        parcel = self._carriers[order["carrier"]].add(
            order["reference"],
            origin=self._city,
            street=order["street"],
            city=order["city"],
            recipient=order["recipient"],
        )
        sent = {"carrier": order["carrier"], "number": parcel["number"], "serials": serials}
        self._put({**order, "status": "shipped", "parcels": [sent], "moves": False})

    def _set_inventory(self) -> Response:
        """The partner keeps so many units of a product from now on, and other units as before:
        {"sku": "AU-BAR-1OZ", "quantity": 2, "serials": []}. With `as_of`, its statement is of that
        time."""
        payload = request.get_json()
        item = {
            "sku": payload["sku"],
            "quantity": payload["quantity"],
            "serials": payload.get("serials", []),
        }
        store().put(self._name, _STATED, "inventory", {"as_of": payload.get("as_of", "")})
        return json_response(store().put(self._name, _ITEM, item["sku"], item))

    def _reject(self) -> Response:
        """The partner will not send an order that is not shipped: {"reference", "reason"}."""
        payload = request.get_json()
        order = self.find(payload["reference"])
        if order is None or not order["moves"]:
            raise NotFound
        rejected = {"status": "rejected", "reason": payload["reason"], "moves": False}
        return json_response(self._put({**order, **rejected}))

    def _put(self, order: Document) -> Document:
        return store().put(self._name, _ORDER, order["reference"], order)
