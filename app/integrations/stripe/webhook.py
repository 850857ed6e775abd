"""What Stripe tells us, signed."""

import json
from collections.abc import Sequence
from typing import Any

from app.integrations.signatures import check_timed
from app.kit.errors import Malformed
from app.providers.ports import Delivery, Event

_TASKS = {
    "payment_intent.": "funding.payment_changed",
    "charge.dispute.": "funding.dispute_changed",
}


class StripeWebhook:
    """Knows Stripe's signature. Two secrets are known while one replaces the other."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    def verify(self, delivery: Delivery) -> list[Event]:
        """The event in it, if it is about a payment or a dispute."""
        check_timed(delivery.headers.get("stripe-signature", ""), delivery.body, self._secrets)
        try:
            event: Any = json.loads(delivery.body)
            identifier, kind = str(event["id"]), str(event["type"])
            subject = str(event["data"]["object"]["id"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Malformed("an event has an id, a type and an object") from error
        return [
            Event(identifier, kind, subject, task)
            for prefix, task in _TASKS.items()
            if kind.startswith(prefix)
        ]
