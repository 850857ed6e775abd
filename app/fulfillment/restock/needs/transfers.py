"""The verb that fills a need by a transfer from another location."""

from uuid import UUID

from app.access import Actor, Permission, require
from app.fulfillment.restock.errors import NeedEnded
from app.fulfillment.restock.needs import queries
from app.fulfillment.restock.needs import service as needs
from app.fulfillment.restock.needs.rules import NeedStatus
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_count
from app.vault.transfers import service as stock_transfers


def send_units(session: Session, actor: Actor, need_id: UUID, *, origin: str, units: int) -> UUID:
    """Send units of an open need from another location, which ends it, and return the transfer's
    id. What is still missing becomes a need of its own.

    Raises `PermissionDenied`, `NotFound`, `NeedEnded`, `InsufficientStock`, and `Invalid` naming
    the field.
    """
    require(actor, Permission.VAULT_TRANSFER)
    needs.lock(session)
    need = queries.get_need(session, need_id)
    if need.status is not NeedStatus.OPEN:
        raise NeedEnded
    if units > need.units:
        raise Invalid("units", f"At most {format_count(need.units)} units are needed.")
    needs.end(session, need.id, NeedStatus.SENT)
    transfer_id = stock_transfers.send_goods(
        session,
        actor,
        origin=origin,
        destination=need.location_code,
        units_by_sku={need.sku: units},
    )
    needs.refresh(session)
    return transfer_id
