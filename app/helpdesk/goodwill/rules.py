"""How much goodwill one member of staff gives, and the amounts that can be given."""

from dataclasses import dataclass

from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.settings.rules import setting, settings_group

PREFIX = "gdw"


@settings_group("goodwill", "Goodwill credits")
@dataclass(frozen=True, slots=True)
class GoodwillRules:
    """What one member of staff may give, and what two may."""

    approval_from: Amount = setting(
        "A credit takes two people from",
        Amount(USD, 100_00),
        minimum=Amount(USD, 0),
        maximum=Amount(USD, 10_000_00),
        about="Together with what the same person gave alone in the last 24 hours.",
    )
    credit_max: Amount = setting(
        "Largest credit",
        Amount(USD, 1_000_00),
        minimum=Amount(USD, 1_00),
        maximum=Amount(USD, 100_000_00),
    )


def parse_credit(text: str, credit_max: Amount) -> Amount:
    """Return the dollars that a person typed. Raises `Invalid` naming `amount`."""
    try:
        amount = Amount.parse(USD, text.strip().replace(",", ""))
    except ValueError:
        raise Invalid("amount", "Enter dollars and cents, like 25.00.") from None
    if not 0 < amount.units <= credit_max.units:
        raise Invalid("amount", f"Enter more than 0 and at most {credit_max} USD.")
    return amount
