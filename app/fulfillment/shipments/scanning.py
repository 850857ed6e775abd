"""What a scan at the packing station means."""

from collections.abc import Sequence

from app.fulfillment.shipments.queries import ShipmentLineRow
from app.kit.errors import Invalid
from app.vault.bars.errors import SerialMismatch
from app.vault.rules import parse_units


def find_scanned(code: str, lines: Sequence[ShipmentLineRow]) -> tuple[int, int]:
    """Return the position of the line whose goods were scanned, and how many units.

    A bar is scanned by its serial, other units by their SKU, several as `SKU*5`. Raises
    `SerialMismatch` for goods that are not among these lines, and `Invalid` naming `code` for more
    than there are.
    """
    name, star, count = code.partition("*")
    text = " ".join(name.upper().split())
    units = parse_units("code", count.strip()) if star else 1
    meant = [line for line in lines if text == (line.serial or line.sku)]
    if not meant:
        raise SerialMismatch(
            f"{text} is not in this shipment. Put it aside, and scan what the list says."
        )
    for line in meant:
        if units <= line.missing:
            return line.position, units
    missing = max(line.missing for line in meant)
    if missing:
        raise Invalid("code", f"Only {missing} units of {text} are still to be scanned.")
    raise Invalid("code", f"All units of {text} are scanned already.")
