"""The refusals of bars."""

from app.kit.errors import Conflict


class SerialMismatch(Conflict):
    """The bars that an act names are not those that it can take."""

    code = "serial_mismatch"
    title = (
        "This product has serials. Name each bar once: one that is at this location, in this state,"
        " and not reserved."
    )


class BarInVault(Conflict):
    """A bar with this refiner and serial is in a vault."""

    code = "bar_in_vault"
    title = "A bar with this refiner and serial is in the vault already. Check the serials."
    field = "bars"
