"""What simulated carriers share: parcels that travel by themselves, and the PDFs about them.

A parcel goes one step further whenever as many seconds have passed as a payout takes to settle.
What becomes of it depends on the first word of the recipient's street.
"""

import random
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Response, request

from sandbox import clock
from sandbox.custodians import json_response
from sandbox.faults import FaultMode
from sandbox.provider import SandboxProvider, has_fault, settlement_seconds, store
from sandbox.store import Document

KIND = "parcel"
_WAY = ("label_created", "picked_up", "in_transit")
#: The steps of a parcel, by the first word of the recipient's street. Others are delivered.
FATES: Mapping[str, Sequence[str]] = {
    "lost": (*_WAY, "lost"),
    "damaged": (*_WAY, "damaged"),
    "returned": (*_WAY, "address_correction", "returned"),
    "held": (*_WAY, "held"),
    "wrong": (*_WAY, "address_correction"),
}
_DELIVERED = (*_WAY, "out_for_delivery", "delivered")
_AT_ORIGIN = frozenset({"label_created", "picked_up"})
_DAYS = 3


class Parcels:
    """The parcels of one carrier. Each has a `number`, our `reference`, and `events` with the step,
    the time and the place."""

    def __init__(self, provider: SandboxProvider, prefix: str) -> None:
        self._name, self._prefix = provider.name, prefix
        provider.periodic_task(self.move_due)
        provider.control("POST", "/move")(self._move_by_control)

    def add(self, reference: str, *, origin: str, street: str, city: str, **facts: Any) -> Document:
        """Add a parcel whose label was created now, from a city to a recipient's street."""
        fate = street.strip().partition(" ")[0].lower()
        expected_on = (clock.instant() + timedelta(days=_DAYS)).date()
        parcel = {
            "number": f"{self._prefix}{secrets.randbelow(10**10):010}",
            "reference": reference,
            "origin": origin.upper(),
            "city": city.upper(),
            "fate": fate if fate in FATES else "",
            "events": [],
            "cancelled": False,
            "expected_on": str(expected_on),
            **facts,
        }
        return self._take_step(parcel, "label_created")

    def get(self, number: str) -> Document | None:
        """Return the parcel with this number."""
        return store().get(self._name, KIND, number)

    def find(self, reference: str) -> list[Document]:
        """Return the parcels with this reference."""
        return store().find(self._name, KIND, reference=reference)

    def put(self, parcel: Document) -> Document:
        """Store a parcel."""
        return store().put(self._name, KIND, parcel["number"], parcel)

    def cancel(self, parcel: Document) -> bool:
        """Cancel the label of a parcel; return whether the carrier does not have it yet."""
        if parcel["events"][-1]["step"] != "label_created":
            return False
        self.put({**parcel, "cancelled": True, "moves": False})
        return True

    def move_due(self) -> None:
        """Let every parcel take its next step that waited long enough for it."""
        for parcel in store().find(self._name, KIND, moves=True):
            taken = len(parcel["events"])
            steps = FATES.get(parcel["fate"], _DELIVERED)
            if clock.now() >= parcel["moved_at"] + settlement_seconds():
                self._take_step(parcel, steps[taken], is_last=taken + 1 == len(steps))

    def shown_events(self, parcel: Document) -> list[Document]:
        """Return the events as this response has them: oldest first, but for its fault."""
        events: list[Document] = list(parcel["events"])
        if has_fault(FaultMode.REPEATED):
            return events + events
        if has_fault(FaultMode.REORDERED):
            random.Random(parcel["number"]).shuffle(events)  # noqa: S311 - no secret
        return events

    def _move_by_control(self) -> Response:
        """A parcel takes a step, such as `lost` or `delivered`, and none by itself after it:
        {"number", "step"}. With `at`, the step is of that time."""
        payload = request.get_json()
        parcel = self.get(payload["number"])
        if parcel is None:
            raise KeyError("number")
        at = payload.get("at")
        self._take_step(parcel, payload["step"], is_last=True, at=at)
        return json_response({})

    def _take_step(
        self, parcel: Document, step: str, *, is_last: bool = False, at: str | None = None
    ) -> Document:
        event = {"step": step, "at": at or clock.instant().isoformat(timespec="seconds")}
        event["city"] = parcel["origin" if step in _AT_ORIGIN else "city"]
        moved = {"events": [*parcel["events"], event], "moved_at": clock.now()}
        return self.put({**parcel, **moved, "moves": not is_last})


def pdf(text: str) -> bytes:
    """Return a small PDF with a line of text."""
    content = f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Contents 4 0 R /Resources 5 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, data in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, data)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 6\n0000000000 65535 f \n"
    tail = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + head + table + tail


def local_time(event: Document) -> datetime:
    """Return when an event happened."""
    return datetime.fromisoformat(event["at"])
