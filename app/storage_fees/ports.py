"""What storage fees need to know of customers' consents."""

from typing import Protocol
from uuid import UUID

from app.kit.db import Session


class SaleConsents(Protocol):
    """Who agreed that metal is sold for a fee that their dollars do not cover."""

    def agreed(self, session: Session, user_id: UUID) -> bool:
        """Return whether the customer agrees to it now."""
        ...
