"""Import every room's tasks, so that each is found by its name; two modules register approvals."""

from app.approvals import tasks as approvals
from app.audit import tasks as audit
from app.custody import tasks as custody
from app.funding import tasks as funding
from app.funding.withdrawals import withdrawal_approval
from app.hedging import tasks as hedging
from app.idempotency import tasks as idempotency
from app.identity import tasks as identity
from app.keys import tasks as keys
from app.kyc import tasks as kyc
from app.ledger import tasks as ledger
from app.messages import tasks as messages
from app.outbox import tasks as outbox
from app.privacy import erasure
from app.privacy import tasks as privacy
from app.providers import tasks as providers
from app.reconciliation import tasks as reconciliation
from app.screening import tasks as screening
from app.throttle import tasks as throttle
from app.trading import tasks as trading

__all__ = [
    "approvals",
    "audit",
    "custody",
    "erasure",
    "funding",
    "hedging",
    "idempotency",
    "identity",
    "keys",
    "kyc",
    "ledger",
    "messages",
    "outbox",
    "privacy",
    "providers",
    "reconciliation",
    "screening",
    "throttle",
    "trading",
    "withdrawal_approval",
]
