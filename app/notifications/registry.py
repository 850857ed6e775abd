"""The register of every kind of message."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from app.notifications import (
    account_kinds,
    desk_kinds,
    document_kinds,
    fee_kinds,
    kinds,
    order_kinds,
    refund_kinds,
    return_kinds,
    shipment_kinds,
)
from app.notifications.facts import MessageFacts
from app.notifications.rules import MessageKind


def all_messages() -> Iterator[type[MessageFacts]]:
    """Return the class of every message."""
    modules = (
        *(account_kinds, desk_kinds, document_kinds, fee_kinds, kinds, order_kinds),
        *(refund_kinds, return_kinds, shipment_kinds),
    )
    for module in modules:
        for member in vars(module).values():
            is_message = isinstance(member, type) and issubclass(member, MessageFacts)
            if is_message and hasattr(member, "kind"):
                yield member


#: Every kind by its stored name.
KINDS: Mapping[str, MessageKind] = MappingProxyType(
    {kind.name: kind for kind in sorted((m.kind for m in all_messages()), key=lambda k: k.name)}
)
