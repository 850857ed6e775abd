"""What a PIN must be. Pure."""

from itertools import pairwise

from app.identity.credentials.rules import normalize_code
from app.kit.errors import Invalid

DIGITS = 6
_STEPS = (-1, 0, 1)


def check_new_pin(text: str) -> str:
    """Return a PIN as it is hashed. Raises `Invalid` unless it has six digits that are neither all
    the same nor in a row."""
    pin = normalize_code(text)
    if len(pin) != DIGITS or not (pin.isascii() and pin.isdigit()):
        raise Invalid("pin", f"Enter {DIGITS} digits.")
    steps = {int(after) - int(before) for before, after in pairwise(pin)}
    if len(steps) == 1 and steps <= set(_STEPS):
        raise Invalid("pin", "Choose digits that are neither all the same nor in a row.")
    return pin
