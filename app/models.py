"""Imports every table, so that the metadata is whole: Alembic and the tests read it here."""

from app.catalog import models as catalog
from app.idempotency import models as idempotency
from app.identity import models as identity
from app.kit.db import Base
from app.ledger import models as ledger
from app.throttle import models as throttle

metadata = Base.metadata

__all__ = ["catalog", "idempotency", "identity", "ledger", "metadata", "throttle"]
