"""Import every room's tasks, so that each is found by its name, and what registers approvals,
imports and attachments."""

from app.approvals import tasks as approvals_tasks
from app.audit import tasks as audit_tasks
from app.branches import tasks as branches_tasks
from app.custody import tasks as custody_tasks
from app.documents import mails as document_mails
from app.documents import tasks as documents_tasks
from app.fulfillment import tasks as fulfillment_tasks
from app.fulfillment.restock.invoices import service as supplier_invoices
from app.fulfillment.restock.purchase_orders import approval as purchase_approval
from app.funding import tasks as funding_tasks
from app.funding.withdrawals import withdrawal_approval
from app.hedging import tasks as hedging_tasks
from app.idempotency import tasks as idempotency_tasks
from app.identity import tasks as identity_tasks
from app.imports import tasks as imports_tasks
from app.keys import tasks as keys_tasks
from app.kyc import tasks as kyc_tasks
from app.ledger import tasks as ledger_tasks
from app.lists import tasks as lists_tasks
from app.messages import tasks as messages_tasks
from app.outbox import tasks as outbox_tasks
from app.privacy import erasure
from app.privacy import tasks as privacy_tasks
from app.providers import tasks as providers_tasks
from app.reconciliation import tasks as reconciliation_tasks
from app.redemption import tasks as redemption_tasks
from app.redemption.requests import review as redemption_review
from app.screening import tasks as screening_tasks
from app.shop import price_imports, product_imports
from app.shop import tasks as shop_tasks
from app.shop.checkout import order_release, pro_forma_mails
from app.shop.refunds import approval as order_refund
from app.storage_fees import tasks as storage_fees_tasks
from app.storage_fees import waiving as storage_fees_waiving
from app.throttle import tasks as throttle_tasks
from app.trading import tasks as trading_tasks
from app.vault import tasks as vault_tasks
from app.vault.deliveries import delivery_imports

__all__ = [
    "approvals_tasks",
    "audit_tasks",
    "branches_tasks",
    "custody_tasks",
    "delivery_imports",
    "document_mails",
    "documents_tasks",
    "erasure",
    "fulfillment_tasks",
    "funding_tasks",
    "hedging_tasks",
    "idempotency_tasks",
    "identity_tasks",
    "imports_tasks",
    "keys_tasks",
    "kyc_tasks",
    "ledger_tasks",
    "lists_tasks",
    "messages_tasks",
    "order_refund",
    "order_release",
    "outbox_tasks",
    "price_imports",
    "privacy_tasks",
    "pro_forma_mails",
    "product_imports",
    "providers_tasks",
    "purchase_approval",
    "reconciliation_tasks",
    "redemption_review",
    "redemption_tasks",
    "screening_tasks",
    "shop_tasks",
    "storage_fees_tasks",
    "storage_fees_waiving",
    "supplier_invoices",
    "throttle_tasks",
    "trading_tasks",
    "vault_tasks",
    "withdrawal_approval",
]
