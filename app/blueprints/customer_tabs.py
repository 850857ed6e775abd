"""The parts of a customer's page, each at an address of its own: which ones a person may open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from app.access import Actor, Permission


@dataclass(frozen=True, slots=True)
class CustomerTab:
    """A part of the page, at `endpoint`. `name` is how templates know it."""

    name: str
    title: str
    endpoint: str
    permission: Permission


def _tab(name: str, title: str, permission: Permission) -> CustomerTab:
    return CustomerTab(name, title, f"support_customers_pages.show_{name}", permission)


TABS = (
    CustomerTab(
        "customer", "Overview", "support_customers_pages.show_customer", Permission.PEOPLE_READ
    ),
    _tab("money", "Money", Permission.PAYMENTS_READ),
    _tab("verification", "Verification", Permission.KYC_READ),
    _tab("orders", "Orders", Permission.SHOP_ORDERS_READ),
    _tab("redemptions", "Redemptions", Permission.REDEMPTIONS_READ),
    _tab("messages", "Messages", Permission.PEOPLE_READ),
    _tab("security", "Security", Permission.PEOPLE_READ),
    _tab("cases", "Cases", Permission.CASES_READ),
    _tab("notes", "Notes", Permission.PEOPLE_READ),
    _tab("audit", "Audit", Permission.AUDIT_READ),
    CustomerTab("account", "Account", "people_pages.show_person", Permission.PEOPLE_READ),
)


@dataclass(frozen=True, slots=True)
class TabLink:
    """A link to a part of a customer's page."""

    tab: CustomerTab
    url: str


def list_tabs(actor: Actor, person_id: str) -> Sequence[TabLink]:
    """Return the links to the parts of this customer's page that the actor may open."""
    variables: dict[str, Any] = {"person_id": person_id}
    return [
        TabLink(tab, url_for(tab.endpoint, **variables))
        for tab in TABS
        if tab.permission in actor.permissions
    ]
