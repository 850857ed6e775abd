"""What price locks hold on a person."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalDataTable,
    export_records,
)
from app.shop.locks.models import PriceLockLine, PriceLockRow
from app.shop.locks.rules import LOCK_PREFIX, LockStatus

_SECTION = "priceLocks"
_KEPT = f"Locks that were used are kept with their orders. {RETAINED_BY_LAW}"

TABLES = {
    "price_locks": PersonalDataTable(
        "Prices and units that were kept for the person",
        ErasureEffect.DELETED,
        _KEPT,
        export_sections=(_SECTION,),
    ),
    "price_lock_lines": PersonalDataTable(
        "Products, quantities and prices of a lock",
        ErasureEffect.DELETED,
        _KEPT,
        export_sections=(_SECTION,),
    ),
}


def export_sections(session: Session, person_id: UUID) -> ExportSections:
    """Return the lines of the person's locks."""
    lines = (
        sa.select(
            PriceLockRow.id,
            PriceLockRow.status,
            PriceLockRow.locked_at,
            PriceLockRow.expires_at,
            PriceLockLine.sku,
            PriceLockLine.quantity,
            PriceLockLine.unit_price_units,
        )
        .join(PriceLockLine, PriceLockLine.lock_id == PriceLockRow.id)
        .where(PriceLockRow.user_id == person_id)
        .order_by(PriceLockRow.id, PriceLockLine.position)
    )
    rows = session.select(_record, lines)
    names = "id status lockedAt expiresAt sku quantity unitPrice"
    return {_SECTION: export_records(rows, names, id=LOCK_PREFIX)}


def _record(*, unit_price_units: int, **columns: object) -> list[object]:
    return [*columns.values(), str(Amount(USD, unit_price_units))]


def erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    """Return the person's open locks."""
    now = clock.now()
    select = sa.select(PriceLockRow.id, PriceLockRow.expires_at).where(
        PriceLockRow.user_id == person_id,
        PriceLockRow.status == LockStatus.OPEN,
        PriceLockRow.expires_at > now,
    )
    return session.select(_blocker, select.order_by(PriceLockRow.id))


def _blocker(*, id: UUID, expires_at: datetime) -> ErasureBlocker:  # noqa: A002 - the column
    return ErasureBlocker(
        f"locks.{ids.encode(LOCK_PREFIX, id)}",
        f"Prices are locked until {clock.rfc3339(expires_at)}. Use the lock, release it or let it"
        " expire.",
    )


def erase(session: Session, person_id: UUID) -> None:
    """Delete the person's locks that were never used."""
    session.write(
        sa.delete(PriceLockRow).where(
            PriceLockRow.user_id == person_id, PriceLockRow.status != LockStatus.USED
        )
    )
