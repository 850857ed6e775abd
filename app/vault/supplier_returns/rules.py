"""What the metal of returned units cost."""

from app.kit.money import Rounding, divide


def cost_of_metal(metal_usd: int, lot_units: int, returned_before: int, units: int) -> int:
    """Return what falls to `units` of a lot whose metal cost `metal_usd` cents, after others of it
    were returned: each share is halved up to the cent, and those of all units are the whole."""

    def due(count: int) -> int:
        return divide(metal_usd * count, lot_units, Rounding.HALF_UP)

    return due(returned_before + units) - due(returned_before)
