"""Imports every module that declares tasks, so that whoever stages or runs one finds it by name."""

from app.approvals import service as approvals
from app.audit import service as audit
from app.hedging import service as hedging
from app.idempotency import service as idempotency
from app.identity import by_mail
from app.identity import service as identity
from app.keys import rotation as keys
from app.ledger import service as ledger
from app.messages import mailing, texting
from app.messages import service as messages
from app.outbox import service as outbox
from app.privacy import erasure
from app.privacy import exports as privacy
from app.providers import service as providers
from app.screening import rescreening as screening
from app.throttle import service as throttle
from app.trading import service as trading

__all__ = [
    "approvals",
    "audit",
    "by_mail",
    "erasure",
    "hedging",
    "idempotency",
    "identity",
    "keys",
    "ledger",
    "mailing",
    "messages",
    "outbox",
    "privacy",
    "providers",
    "screening",
    "texting",
    "throttle",
    "trading",
]
