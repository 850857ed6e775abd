"""Whether a partner sends what is at a location, and the note that it does."""

from uuid import UUID

import sqlalchemy as sa

from app.flags.rules import FulfilmentStrategy
from app.fulfillment.partners.models import PartnerShipment
from app.fulfillment.partners.ports import FulfilmentPartners
from app.kit import clock
from app.kit.db import Session
from app.kit.ports import resolve


def find_partner(location_code: str) -> FulfilmentStrategy | None:
    """Return the strategy of the partner whose depot a location is; None for our own ones."""
    return next(
        (
            strategy
            for strategy, partner in resolve(FulfilmentPartners).items()
            if partner.account == location_code
        ),
        None,
    )


def entrust(session: Session, shipment_id: UUID, strategy: FulfilmentStrategy) -> None:
    """Note that a partner sends a new shipment. A job has it sent."""
    session.write(
        sa.insert(PartnerShipment).values(
            shipment_id=shipment_id, strategy=strategy, due_at=clock.now()
        )
    )
