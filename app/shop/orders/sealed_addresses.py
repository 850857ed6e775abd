"""The addresses of an order, as they are stored."""

import json
from uuid import UUID

from app.keys import service as keys
from app.kit.postal_addresses import PostalAddress, to_fields

_TABLE = "shop_orders"


def seal_address(order_id: UUID, column: str, address: PostalAddress | None) -> bytes | None:
    """Return the address of a column, sealed."""
    if address is None:
        return None
    text = json.dumps(to_fields(address))
    return keys.seal(text, table=_TABLE, column=column, key=order_id)


def open_address(order_id: UUID, column: str, sealed: bytes | None) -> PostalAddress | None:
    """Return the address that a column holds."""
    if sealed is None:
        return None
    opened = keys.open_sealed(sealed, table=_TABLE, column=column, key=order_id)
    return PostalAddress(**json.loads(opened))
