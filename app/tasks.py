"""Import every module that declares tasks, so that each is found by its name."""

from app.approvals import service as approvals
from app.audit import service as audit
from app.custody import addresses as custody_addresses
from app.custody import incoming_tokens, opening_balances
from app.custody import service as custody
from app.funding import custody_rail, poll
from app.funding.deposits import incoming_transfers, payments
from app.funding.disputes import service as disputes
from app.funding.withdrawals import payouts, withdrawal_approval
from app.funding.withdrawals import service as withdrawals
from app.hedging import service as hedging
from app.idempotency import service as idempotency
from app.identity import tasks as identity_tasks
from app.identity.credentials import password_reset
from app.keys import rotation as keys_rotation
from app.kyc.review import automatic_decisions
from app.kyc.submission import provider_verification
from app.ledger import service as ledger
from app.messages import email_delivery, sms_delivery
from app.messages import service as messages
from app.outbox import service as outbox
from app.privacy import erasure
from app.privacy import exports as privacy_exports
from app.providers import service as providers
from app.reconciliation import tasks as reconciliation_tasks
from app.screening.decisions import rescreening
from app.throttle import service as throttle
from app.trading import service as trading

__all__ = [
    "approvals",
    "audit",
    "automatic_decisions",
    "custody",
    "custody_addresses",
    "custody_rail",
    "disputes",
    "email_delivery",
    "erasure",
    "hedging",
    "idempotency",
    "identity_tasks",
    "incoming_tokens",
    "incoming_transfers",
    "keys_rotation",
    "ledger",
    "messages",
    "opening_balances",
    "outbox",
    "password_reset",
    "payments",
    "payouts",
    "poll",
    "privacy_exports",
    "provider_verification",
    "providers",
    "reconciliation_tasks",
    "rescreening",
    "sms_delivery",
    "throttle",
    "trading",
    "withdrawal_approval",
    "withdrawals",
]
