"""Import every table, so that the metadata is complete: Alembic and the tests read it here."""

from app.approvals import models as approvals_models
from app.audit import models as audit_models
from app.branches import models as branches_models
from app.cases import models as cases_models
from app.catalog import models as catalog_models
from app.custody import models as custody_models
from app.funding import models as funding_models
from app.hedging import models as hedging_models
from app.idempotency import models as idempotency_models
from app.identity import models as identity_models
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
from app.screening import models as screening_models
from app.settings import models as settings_models
from app.throttle import models as throttle_models
from app.trading import models as trading_models

metadata = Base.metadata

__all__ = [
    "approvals_models",
    "audit_models",
    "branches_models",
    "cases_models",
    "catalog_models",
    "custody_models",
    "funding_models",
    "hedging_models",
    "idempotency_models",
    "identity_models",
    "keys_models",
    "kyc_models",
    "ledger_models",
    "lists_models",
    "messages_models",
    "metadata",
    "outbox_models",
    "pricing_models",
    "privacy_models",
    "providers_models",
    "reconciliation_models",
    "screening_models",
    "settings_models",
    "throttle_models",
    "trading_models",
]
