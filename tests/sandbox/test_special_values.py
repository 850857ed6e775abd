"""The values that the API document names are those that the sandbox reacts to."""

from app.integrations.sandbox_values import SPECIAL_VALUES
from sandbox import parcels
from sandbox.providers import bank, mpesa, plaid, stripe, twilio


def test_documented_values_are_those_of_the_sandbox() -> None:
    reacted_to = {
        "`paymentMethod` of a card": set(stripe.CARDS),
        "`accountNumber` of a withdrawal": {f"…{end}" for end in bank._FINAL_STATUSES},
        "`phone` of mobile money": {f"…{end}" for end in mpesa._RESULT_CODES},
        "`phone` of the profile": {f"…{end}" for end in twilio._FINAL_STATUSES},
        "`lastName` of a verification": {f"{name.capitalize()}…" for name in plaid._FINAL_STATUSES},
        "`street` of a shipping address": {f"{word.capitalize()}…" for word in parcels.FATES},
    }
    documented: dict[str, set[str]] = {}
    for where, value, _effect in SPECIAL_VALUES:
        documented.setdefault(where, set()).add(value)
    assert documented == reacted_to
