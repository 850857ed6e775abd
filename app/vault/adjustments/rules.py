"""Why the number of units is adjusted."""

from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum
from app.vault.stock.rules import StockState

#: The states whose units are ours: those of customers are not adjusted.
ADJUSTABLE = (StockState.AVAILABLE, StockState.QUARANTINE, StockState.IN_TRANSIT)


class AdjustmentKind(LabelledEnum):
    """Why there are fewer units than the books have, or more."""

    DAMAGE = "damage", "Damaged"
    """They are there, and cannot be sold any more."""
    LOSS = "loss", "Lost"
    """They are not there."""
    THEFT = "theft", "Stolen"
    """They were taken."""
    FOUND = "found", "Found"
    """There are more than the books have."""


def check_state(kind: AdjustmentKind, state: StockState, *, has_transfer: bool) -> None:
    """Raise `Invalid` naming the field unless units in this state can be adjusted like this."""
    if state not in ADJUSTABLE:
        raise Invalid("state", "Choose a state from the list.")
    if (state is StockState.IN_TRANSIT) != has_transfer:
        raise Invalid(
            "transfer",
            "Enter the ID of the transfer for units in transit, and leave it empty for others.",
        )
    if kind is AdjustmentKind.FOUND and has_transfer:
        raise Invalid(
            "kind", "What is found of a transfer is received on the page of the transfer."
        )
