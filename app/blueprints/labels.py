"""The words that pages show for stored values. Statuses: templates/components/status.html.

Every value has one label, the same on every page, in filters and in tables.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

#: Providers as they write their own names, by the name that calls and payments carry.
PROVIDERS: Mapping[str, str] = MappingProxyType(
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


def _filter(labels: Mapping[str, str]) -> Callable[[str], str]:
    """Return a template filter: a value without a label is shown as it is stored."""
    return lambda value: labels.get(value, value)


FILTERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "provider_label": _filter(PROVIDERS),
    }
)
