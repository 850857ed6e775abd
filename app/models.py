"""Imports every table, so that the metadata is whole: Alembic and the tests read it here."""

from app.approvals import models as approvals
from app.audit import models as audit
from app.branches import models as branches
from app.cases import models as cases
from app.catalog import models as catalog
from app.funding import models as funding
from app.hedging import models as hedging
from app.idempotency import models as idempotency
from app.identity import models as identity
from app.keys import models as keys
from app.kit.db import Base
from app.kyc import models as kyc
from app.ledger import models as ledger
from app.messages import models as messages
from app.outbox import models as outbox
from app.pricing import models as pricing
from app.privacy import models as privacy
from app.providers import models as providers
from app.reporting import models as reporting
from app.screening import models as screening
from app.throttle import models as throttle
from app.trading import models as trading

metadata = Base.metadata

__all__ = [
    "approvals",
    "audit",
    "branches",
    "cases",
    "catalog",
    "funding",
    "hedging",
    "idempotency",
    "identity",
    "keys",
    "kyc",
    "ledger",
    "messages",
    "metadata",
    "outbox",
    "pricing",
    "privacy",
    "providers",
    "reporting",
    "screening",
    "throttle",
    "trading",
]
