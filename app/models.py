"""Import every table, so that the metadata is complete: Alembic and the tests read it here."""

from app.approvals import models as approvals_models
from app.audit import models as audit_models
from app.books import models as books_models
from app.branches import models as branches_models
from app.branches.entities import models as entities_models
from app.branches.hours import models as hours_models
from app.branches.licences import models as licences_models
from app.branches.tills import models as tills_models
from app.cases import models as cases_models
from app.catalog import models as catalog_models
from app.catalog.categories import models as categories_models
from app.catalog.products import models as products_models
from app.catalog.search import models as search_models
from app.compliance.cash_reports import models as cash_reports_models
from app.counter.drawers import models as drawers_models
from app.counter.receipts import models as receipts_models
from app.custody import models as custody_models
from app.documents import models as documents_models
from app.flags import models as flags_models
from app.fulfillment.claims import models as fulfillment_claims_models
from app.fulfillment.labels import models as fulfillment_labels_models
from app.fulfillment.parcels import models as parcels_models
from app.fulfillment.partners import models as partners_models
from app.fulfillment.restock.invoices import models as restock_invoices_models
from app.fulfillment.restock.needs import models as restock_needs_models
from app.fulfillment.restock.purchase_orders import models as purchase_orders_models
from app.fulfillment.restock.receiving import models as restock_receiving_models
from app.fulfillment.restock.suppliers import models as suppliers_models
from app.fulfillment.shipments import models as shipments_models
from app.fulfillment.tracking import models as fulfillment_tracking_models
from app.funding import models as funding_models
from app.hedging import models as hedging_models
from app.helpdesk.goodwill import models as helpdesk_goodwill_models
from app.helpdesk.notes import models as helpdesk_notes_models
from app.helpdesk.queue import models as helpdesk_queue_models
from app.idempotency import models as idempotency_models
from app.identity import models as identity_models
from app.identity.pins import models as identity_pins_models
from app.identity.roles import models as identity_roles_models
from app.imports import models as imports_models
from app.keys import models as keys_models
from app.kit.db import Base
from app.kyc import models as kyc_models
from app.ledger import models as ledger_models
from app.lists import models as lists_models
from app.messages import models as messages_models
from app.outbox import models as outbox_models
from app.pricing import models as pricing_models
from app.privacy import models as privacy_models
from app.providers import models as providers_models
from app.reconciliation import models as reconciliation_models
from app.redemption.quotes import models as redemption_quotes_models
from app.redemption.requests import models as redemption_requests_models
from app.screening import models as screening_models
from app.settings import models as settings_models
from app.shop.cart import models as shop_cart_models
from app.shop.images import models as shop_images_models
from app.shop.locks import models as shop_locks_models
from app.shop.orders import models as shop_orders_models
from app.shop.popularity import models as shop_popularity_models
from app.shop.prices import models as shop_prices_models
from app.shop.refunds import models as shop_refunds_models
from app.shop.returns import models as shop_returns_models
from app.storage_fees import models as storage_fees_models
from app.tax import models as tax_models
from app.tax.certificates import models as certificates_models
from app.throttle import models as throttle_models
from app.trading import models as trading_models
from app.vault.adjustments import models as vault_adjustments_models
from app.vault.alerts import models as vault_alerts_models
from app.vault.assays import models as vault_assays_models
from app.vault.bars import models as vault_bars_models
from app.vault.counts import models as vault_counts_models
from app.vault.locations import models as vault_locations_models
from app.vault.lots import models as vault_lots_models
from app.vault.reorder_points import models as vault_reorder_points_models
from app.vault.supplier_returns import models as vault_supplier_returns_models
from app.vault.transfers import models as vault_transfers_models

metadata = Base.metadata

__all__ = [
    "approvals_models",
    "audit_models",
    "books_models",
    "branches_models",
    "cases_models",
    "cash_reports_models",
    "catalog_models",
    "categories_models",
    "certificates_models",
    "custody_models",
    "documents_models",
    "drawers_models",
    "entities_models",
    "flags_models",
    "fulfillment_claims_models",
    "fulfillment_labels_models",
    "fulfillment_tracking_models",
    "funding_models",
    "hedging_models",
    "helpdesk_goodwill_models",
    "helpdesk_notes_models",
    "helpdesk_queue_models",
    "hours_models",
    "idempotency_models",
    "identity_models",
    "identity_pins_models",
    "identity_roles_models",
    "imports_models",
    "keys_models",
    "kyc_models",
    "ledger_models",
    "licences_models",
    "lists_models",
    "messages_models",
    "metadata",
    "outbox_models",
    "parcels_models",
    "partners_models",
    "pricing_models",
    "privacy_models",
    "products_models",
    "providers_models",
    "purchase_orders_models",
    "receipts_models",
    "reconciliation_models",
    "redemption_quotes_models",
    "redemption_requests_models",
    "restock_invoices_models",
    "restock_needs_models",
    "restock_receiving_models",
    "screening_models",
    "search_models",
    "settings_models",
    "shipments_models",
    "shop_cart_models",
    "shop_images_models",
    "shop_locks_models",
    "shop_orders_models",
    "shop_popularity_models",
    "shop_prices_models",
    "shop_refunds_models",
    "shop_returns_models",
    "storage_fees_models",
    "suppliers_models",
    "tax_models",
    "throttle_models",
    "tills_models",
    "trading_models",
    "vault_adjustments_models",
    "vault_alerts_models",
    "vault_assays_models",
    "vault_bars_models",
    "vault_counts_models",
    "vault_locations_models",
    "vault_lots_models",
    "vault_reorder_points_models",
    "vault_supplier_returns_models",
    "vault_transfers_models",
]
