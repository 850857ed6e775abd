"""The words that pages show for stored values. Statuses: templates/components/status.html.

Every value has one label, the same on every page, in filters and in tables.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.access import Role
from app.kyc.rules import DocumentPurpose, ReviewFlag, VerificationKind

ROLES: Mapping[str, str] = MappingProxyType(
    {
        Role.USER: "Customer",
        Role.SUPPORT: "Support",
        Role.TELLER: "Teller",
        Role.INVENTORY: "Inventory",
        Role.COMPLIANCE: "Compliance",
        Role.AUDITOR: "Auditor",
        Role.ADMIN: "Administrator",
    }
)
#: Reviews by the kind of verification that they decide.
REVIEWS: Mapping[str, str] = MappingProxyType(
    {
        VerificationKind.IDENTITY: "Identity",
        VerificationKind.ENHANCED: "Tier 3",
        VerificationKind.BUSINESS: "Company",
    }
)
FLAGS: Mapping[str, str] = MappingProxyType(
    {
        ReviewFlag.UNSCREENED: "Not screened",
        ReviewFlag.SCREENING: "Possible sanctions match",
        ReviewFlag.LISTED: "Sanctions match",
        ReviewFlag.DUPLICATE: "Duplicate document number",
        ReviewFlag.PROVIDER: "Provider undecided",
    }
)
DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        DocumentPurpose.IDENTITY: "Proof of identity",
        DocumentPurpose.ADDRESS: "Proof of address",
        DocumentPurpose.FUNDS: "Source of funds",
        DocumentPurpose.REGISTRATION: "Company registration",
        DocumentPurpose.LICENCE: "Licence",
        DocumentPurpose.OWNERSHIP: "Ownership",
    }
)
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
        "role_label": _filter(ROLES),
        "review_label": _filter(REVIEWS),
        "flag_label": _filter(FLAGS),
        "document_label": _filter(DOCUMENTS),
        "provider_label": _filter(PROVIDERS),
    }
)
