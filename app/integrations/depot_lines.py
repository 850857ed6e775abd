"""Lines of depots' statements, as keepers of goods list them in JSON."""

from typing import Any

from app.integrations.response_parsing import required_text
from app.providers.errors import ResponseUnreadable
from app.vault.depots.ports import DepotLine

_UNITS_MAX = 1_000_000


def read_depot_line(item: dict[str, Any]) -> DepotLine:
    """Return the units of a product from {sku, quantity, serials}. Raises `ResponseUnreadable`."""
    quantity, serials = item.get("quantity"), item.get("serials", [])
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        raise ResponseUnreadable("quantity is not a whole number.")
    if not 0 <= quantity <= _UNITS_MAX:
        raise ResponseUnreadable(f"quantity is not between 0 and {_UNITS_MAX}.")
    if not isinstance(serials, list) or not all(isinstance(text, str) for text in serials):
        raise ResponseUnreadable("serials is not a list of texts.")
    if serials and len(set(serials)) != quantity:
        raise ResponseUnreadable("There are not as many serials as units.")
    return DepotLine(required_text(item, "sku"), quantity, tuple(sorted(serials)))
