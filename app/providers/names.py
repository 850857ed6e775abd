"""The names of providers as they write them themselves, for pages."""

from collections.abc import Mapping
from types import MappingProxyType

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "anchorage": "Anchorage",
        "bank": "Bank",
        "custody": "Custodian",
        "daraja": "M-Pesa",
        "paxos": "Paxos",
        "plaid": "Plaid",
        "primetrust": "Prime Trust",
        "stripe": "Stripe",
    }
)


def display_name(name: str) -> str:
    """Return the name to show for the one in calls and payments; any other name as it is."""
    return _NAMES.get(name, name)
