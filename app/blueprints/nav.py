"""The desks and their pages, in the order of the sidebar.

A person works at one desk: its home is where they land, and its sections come first. Pages of other
desks follow, as far as their permissions reach.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from app.access import BRANCH_BOUND_ROLES, Actor, Permission, Role
from app.blueprints import nav_counts
from app.kit.counts import fetch_counts
from app.kit.db import Session


class Desk(StrEnum):
    """A place of work: a package of pages with a home."""

    SUPPORT = "support"
    TELLER = "teller"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class NavEntry:
    """A page of a desk, shown to people with its permission."""

    title: str
    endpoint: str
    icon: str
    permission: Permission
    count: nav_counts.NavCount | None = None
    #: Where the addresses of its details begin, if not with its own.
    details: str = ""


@dataclass(frozen=True, slots=True)
class NavSection:
    """Pages of a desk that belong together, under one title."""

    title: str
    desk: Desk
    entries: tuple[NavEntry, ...]


@dataclass(frozen=True, slots=True)
class NavPlace:
    """Where the open page belongs: to a page of the sidebar at `url`, or to its details."""

    section: NavSection
    entry: NavEntry
    url: str
    is_detail: bool


#: The desk of each role; of every other one, administration.
_DESKS = {Role.SUPPORT: Desk.SUPPORT, Role.TELLER: Desk.TELLER}


SECTIONS = (
    NavSection(
        "Treasury",
        Desk.ADMIN,
        (
            NavEntry("Exposure", "exposure_pages.show_exposure", "scale", Permission.EXPOSURE_READ),
            NavEntry("Markets", "markets_pages.list_markets", "market", Permission.MARKETS_READ),
            NavEntry("Books", "books_pages.show_books", "book", Permission.BOOKS_READ),
            NavEntry("Custody", "custody_pages.show_custodians", "vault", Permission.CUSTODY_READ),
            NavEntry(
                "Withdrawals",
                "payments_pages.list_withdrawals",
                "withdrawal",
                Permission.PAYMENTS_READ,
                nav_counts.WITHDRAWALS,
            ),
            NavEntry(
                "Deposits",
                "payments_pages.list_deposits",
                "deposit",
                Permission.PAYMENTS_READ,
            ),
            NavEntry(
                "Storage fees",
                "storage_fees_pages.list_storage_fees",
                "stored",
                Permission.STORAGE_FEES_READ,
            ),
            NavEntry(
                "Accrued storage",
                "storage_fees_pages.list_storage_accruals",
                "days",
                Permission.STORAGE_FEES_READ,
            ),
            NavEntry(
                "Reconciliation",
                "reconciliation_pages.list_reconciliation_runs",
                "compare",
                Permission.RECONCILIATION_READ,
            ),
        ),
    ),
    NavSection(
        "Vault",
        Desk.ADMIN,
        (
            NavEntry("Stock", "vault_pages.list_stock", "box", Permission.VAULT_READ),
            NavEntry(
                "Low stock",
                "vault_pages.list_low_stock",
                "box-down",
                Permission.VAULT_READ,
                nav_counts.LOW_STOCK,
            ),
            NavEntry("Deliveries", "vault_pages.list_lots", "truck", Permission.VAULT_READ),
            NavEntry("Bars", "bars_pages.list_bars", "bar", Permission.VAULT_READ),
            NavEntry("Counts", "counts_pages.list_counts", "count", Permission.COUNTS_READ),
            NavEntry(
                "Transfers",
                "stock_transfers_pages.list_stock_transfers",
                "arrow-across",
                Permission.VAULT_READ,
            ),
            NavEntry(
                "Adjustments",
                "adjustments_pages.list_adjustments",
                "plus-minus",
                Permission.VAULT_READ,
            ),
            NavEntry(
                "Quarantine",
                "quarantine_pages.list_quarantines",
                "flask",
                Permission.VAULT_READ,
                nav_counts.QUARANTINE,
            ),
            NavEntry(
                "Returns",
                "supplier_returns_pages.list_supplier_returns",
                "box-back",
                Permission.VAULT_READ,
            ),
            NavEntry(
                "Movements",
                "movements_pages.list_movements",
                "arrows-up-down",
                Permission.VAULT_READ,
            ),
            NavEntry("Locations", "vault_pages.list_locations", "pin", Permission.VAULT_READ),
        ),
    ),
    NavSection(
        "Restock",
        Desk.ADMIN,
        (
            NavEntry(
                "Restock",
                "restock_pages.show_board",
                "shelf",
                Permission.VAULT_READ,
                nav_counts.NEEDS,
            ),
            NavEntry(
                "Purchases", "purchases_pages.list_purchases", "clipboard", Permission.VAULT_READ
            ),
            NavEntry(
                "Suppliers", "suppliers_pages.list_suppliers", "factory", Permission.VAULT_READ
            ),
            NavEntry("Invoices", "invoices_pages.list_invoices", "bill", Permission.VAULT_READ),
        ),
    ),
    NavSection(
        "Catalogue",
        Desk.ADMIN,
        (
            NavEntry("Products", "products_pages.list_products", "coin", Permission.VAULT_READ),
            NavEntry(
                "Categories", "categories_pages.list_categories", "tree", Permission.VAULT_READ
            ),
            NavEntry("Price rules", "prices_pages.list_price_rules", "tag", Permission.PRICES_READ),
            NavEntry(
                "Price changes",
                "price_changes_pages.list_price_effects",
                "tags",
                Permission.PRICES_READ,
            ),
            NavEntry("Imports", "imports_pages.list_imports", "upload", Permission.IMPORTS_USE),
            NavEntry("Synonyms", "synonyms_pages.list_synonyms", "swap", Permission.VAULT_READ),
        ),
    ),
    NavSection(
        "Sales tax",
        Desk.ADMIN,
        (
            NavEntry("Tax rules", "tax_pages.list_tax_rules", "percent", Permission.TAX_READ),
            NavEntry(
                "Certificates",
                "certificates_pages.list_certificates",
                "certificate",
                Permission.TAX_READ,
            ),
            NavEntry(
                "Try sales tax",
                "tax_examples_pages.show_example",
                "calculator",
                Permission.TAX_READ,
            ),
        ),
    ),
    NavSection(
        "People",
        Desk.ADMIN,
        (
            NavEntry(
                "People",
                "people_pages.list_people",
                "users",
                Permission.PEOPLE_READ,
                details="/support/customers",
            ),
            NavEntry(
                "Invitations", "staff_pages.list_invitations", "user-plus", Permission.STAFF_INVITE
            ),
            NavEntry(
                "Approvals",
                "approvals_pages.list_approvals",
                "inbox",
                Permission.APPROVALS_READ,
                nav_counts.DECISIONS,
            ),
            NavEntry("Roles", "roles_pages.list_roles", "lock", Permission.ROLES_READ),
        ),
    ),
    NavSection(
        "Company",
        Desk.ADMIN,
        (
            NavEntry(
                "Legal entities",
                "entities_pages.list_entities",
                "company",
                Permission.ENTITIES_READ,
            ),
            NavEntry(
                "Licences", "licences_pages.list_licences", "licence", Permission.ENTITIES_READ
            ),
        ),
    ),
    NavSection(
        "Customers",
        Desk.SUPPORT,
        (
            NavEntry("Queue", "support_queue_pages.list_queue", "queue", Permission.QUEUE_WORK),
            NavEntry(
                "Figures", "support_metrics_pages.show_metrics", "figures", Permission.QUEUE_WORK
            ),
            NavEntry("Orders", "orders_pages.list_orders", "basket", Permission.SHOP_ORDERS_READ),
            NavEntry(
                "Redemptions",
                "redemptions_pages.list_redemptions",
                "coin-out",
                Permission.REDEMPTIONS_READ,
                nav_counts.REDEMPTIONS,
            ),
            NavEntry(
                "Orders on hold",
                "orders_pages.list_held_orders",
                "basket-held",
                Permission.SHOP_ORDERS_REVIEW,
                nav_counts.HELD_ORDERS,
            ),
            NavEntry(
                "Returns",
                "returns_pages.list_returns",
                "basket-back",
                Permission.SHOP_ORDERS_READ,
                nav_counts.RETURNS,
            ),
            NavEntry(
                "Shipments", "shipments_pages.list_shipments", "dispatch", Permission.SHIPMENTS_READ
            ),
            NavEntry("Parcels", "parcels_pages.list_parcels", "parcel", Permission.SHIPMENTS_READ),
            NavEntry(
                "Fulfilment",
                "fulfilment_pages.show_fulfilment",
                "columns",
                Permission.SHIPMENTS_READ,
            ),
            NavEntry(
                "Invoices", "documents_pages.list_documents", "receipt", Permission.SHOP_ORDERS_READ
            ),
            NavEntry(
                "Verification",
                "support_kyc_pages.list_verifications",
                "id-card",
                Permission.KYC_READ,
                nav_counts.VERIFICATIONS,
            ),
        ),
    ),
    NavSection(
        "Branch",
        Desk.TELLER,
        (
            NavEntry("Cash", "cash_pages.show_search", "cash", Permission.DRAWERS_WORK),
            NavEntry("Drawer", "drawer_pages.show_drawer", "drawer", Permission.DRAWERS_WORK),
            NavEntry("Counter", "counter_pages.show_counter", "bell", Permission.KYC_VERIFY),
            NavEntry(
                "Collection",
                "collection_pages.show_collection",
                "hand-over",
                Permission.SHIPMENTS_HAND_OVER,
            ),
            NavEntry("Safe", "safe_pages.show_safe", "safe", Permission.DRAWERS_WORK),
            NavEntry("Drawers", "drawers_pages.list_drawers", "drawers", Permission.DRAWERS_READ),
            NavEntry(
                "Branches", "branches_pages.list_branches", "building", Permission.BRANCHES_READ
            ),
        ),
    ),
    NavSection(
        "Oversight",
        Desk.ADMIN,
        (
            NavEntry(
                "Cases", "cases_pages.list_cases", "folder", Permission.CASES_READ, nav_counts.CASES
            ),
            NavEntry(
                "Cash reports",
                "cash_reports_pages.list_cash_reports",
                "banknote",
                Permission.CASH_REPORTS_READ,
                nav_counts.CASH_REPORTS,
            ),
            NavEntry(
                "Screening", "screening_pages.list_screenings", "scan", Permission.SCREENING_READ
            ),
            NavEntry(
                "Audit trail", "audit_pages.list_audit_records", "list", Permission.AUDIT_READ
            ),
            NavEntry(
                "Jobs",
                "jobs_pages.list_jobs",
                "layers",
                Permission.JOBS_READ,
                nav_counts.FAILED_JOBS,
            ),
            NavEntry(
                "Settings", "settings_pages.list_settings", "sliders", Permission.SETTINGS_READ
            ),
            NavEntry("Feature flags", "flags_pages.list_flags", "flag", Permission.FLAGS_READ),
            NavEntry("Key ring", "keys_pages.show_key_ring", "key-ring", Permission.KEYS_READ),
        ),
    ),
)


def sections_for(actor: Actor) -> list[NavSection]:
    """Return the sections with the pages that this person may open, those of their desk first."""
    permitted = (
        replace(section, entries=tuple(e for e in section.entries if _may_open(actor, e)))
        for section in SECTIONS
    )
    own = desk_of(actor.role)
    return sorted(
        (section for section in permitted if section.entries),
        key=lambda section: section.desk is not own,
    )


def lacks_branch(actor: Actor) -> bool:
    """Return whether the person works at a branch by their role, and none is assigned yet."""
    return actor.role in BRANCH_BOUND_ROLES and actor.branch_id is None


def _may_open(actor: Actor, entry: NavEntry) -> bool:
    needs_branch = entry.permission.startswith("branch:")
    return entry.permission in actor.permissions and not (needs_branch and lacks_branch(actor))


def counts(session: Session, actor: Actor) -> Mapping[str, int]:
    """Return how many items wait for this person, by the endpoint of the page."""
    counts = {
        entry.endpoint: count
        for section in sections_for(actor)
        for entry in section.entries
        if entry.count is not None and (count := entry.count.of(actor)) is not None
    }
    return fetch_counts(session, counts)


def desk_of(role: Role) -> Desk:
    """Return the desk where people of the role work."""
    return _DESKS.get(role, Desk.ADMIN)


def home_of(role: Role) -> str:
    """Return the endpoint of the home of the role's desk."""
    return f"{desk_of(role)}_pages.show_home"
