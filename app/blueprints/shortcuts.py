"""Shortcuts of the desks: g, then a letter, opens a page of the sidebar. h is the person's home."""

from collections.abc import Mapping
from types import MappingProxyType

#: The letter of each page, by its endpoint.
PAGE_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "support_queue_pages.list_queue": "q",
        "people_pages.list_people": "p",
        "orders_pages.list_orders": "o",
        "redemptions_pages.list_redemptions": "r",
        "payments_pages.list_deposits": "d",
        "payments_pages.list_withdrawals": "w",
        "support_kyc_pages.list_verifications": "v",
        "cases_pages.list_cases": "c",
        "approvals_pages.list_approvals": "a",
        "shipments_pages.list_shipments": "s",
        "documents_pages.list_documents": "i",
        "orders_pages.list_held_orders": "u",
        "vault_pages.list_stock": "k",
        "bars_pages.list_bars": "b",
        "products_pages.list_products": "y",
        "audit_pages.list_audit_records": "t",
        "exposure_pages.show_exposure": "e",
        "markets_pages.list_markets": "m",
        "jobs_pages.list_jobs": "j",
        "settings_pages.list_settings": "n",
        "collection_pages.show_collection": "l",
        "counter_pages.show_counter": "x",
        "drawer_pages.show_drawer": "z",
        "returns_pages.list_returns": "f",
    }
)
