"""The verbs of bars, which those of lots and stock call: they keep bars in step with the ledger.

Bars are locked after lots and before the ledger, in the order of SKU, location and lot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.kit.db import Session, register_refusal
from app.vault.bars import queries
from app.vault.bars.errors import BarInVault, SerialMismatch
from app.vault.bars.models import Bar, BarStateChange
from app.vault.bars.rules import OWNED, BarChoice, BarState, MeasuredBar

register_refusal("bars_serial_key", lambda _detail: BarInVault())
# A lot of a product with serials that is no bar.
register_refusal("bar_states_lot_id_fkey", lambda _detail: SerialMismatch())


@dataclass(frozen=True, slots=True)
class _LockedBar:
    lot_id: UUID
    sku: str
    location_id: UUID
    state: BarState
    hold_id: UUID | None
    owner_id: UUID | None


def add(session: Session, choice: BarChoice, bars: Sequence[MeasuredBar]) -> None:
    """Add bars that arrived, each by its lot. Putting them into their lots says in which state.

    The database raises `BarInVault`.
    """
    for lot_id, bar in zip(choice.lot_ids, bars, strict=True):
        session.write(
            sa.insert(Bar).values(
                lot_id=lot_id,
                sku=choice.sku,
                refiner=bar.refiner,
                serial=bar.serial,
                year=bar.year,
                gross_units=bar.gross_units,
                fineness=bar.fineness,
                fine_units=bar.fine_units,
                assay_reference=bar.assay_reference,
                location_id=choice.location_id,
                state=BarState.QUARANTINE,
            )
        )


def claim(
    session: Session,
    choices: Sequence[BarChoice],
    state: BarState,
    *,
    hold_ids: Sequence[UUID] = (),
    owner_id: UUID | None = None,
) -> None:
    """Lock the bars until the transaction ends.

    Raises `SerialMismatch` unless each choice names as many bars as it has units, all of its
    product, at its location, in this state, of this owner if one is given, and reserved by none
    but these holds.
    """
    if not choices:
        return
    named = [lot_id for choice in choices for lot_id in choice.lot_ids]
    if len(set(named)) < len(named) or any(
        len(choice.lot_ids) != choice.units for choice in choices
    ):
        raise SerialMismatch
    locked = session.select(
        _LockedBar,
        sa.select(Bar.lot_id, Bar.sku, Bar.location_id, Bar.state, Bar.hold_id, Bar.owner_id)
        .where(Bar.lot_id.in_(named))
        .order_by(Bar.sku, Bar.location_id, Bar.lot_id)
        .with_for_update(),
    )
    bars = {bar.lot_id: bar for bar in locked}
    # Read once the bars are locked: no other transaction can reserve them now.
    holds = [bar.hold_id for bar in locked if bar.hold_id is not None]
    taken = queries.find_pending_holds(session, holds) - set(hold_ids)
    for choice in choices:
        for lot_id in choice.lot_ids:
            bar = bars.get(lot_id)
            expected = (choice.sku, choice.location_id, state)
            if bar is None or (bar.sku, bar.location_id, bar.state) != expected:
                raise SerialMismatch
            if bar.hold_id in taken or owner_id not in {None, bar.owner_id}:
                raise SerialMismatch


def reserve(session: Session, choice: BarChoice, hold_id: UUID) -> None:
    """Note which bars, claimed before, a hold reserves."""
    session.write(sa.update(Bar).where(Bar.lot_id.in_(choice.lot_ids)).values(hold_id=hold_id))


def remove(session: Session, choices: Sequence[BarChoice]) -> None:
    """Note that bars, claimed before, left their shelf. The act goes on to move them to the state
    that they are in now."""
    lot_ids = [lot_id for choice in choices for lot_id in choice.lot_ids]
    if lot_ids:
        _update(session, lot_ids, {"state": BarState.WRITTEN_OFF, "hold_id": None})


def move(
    session: Session,
    choice: BarChoice,
    state: BarState,
    *,
    reference: str,
    at: datetime,
    owner_id: UUID | None = None,
) -> None:
    """Note that bars, claimed before, came to this state and to the location of the choice, with
    the entry of this reference. `owner_id` is the customer who bought them now."""
    sold = {} if owner_id is None and state in OWNED else {"owner_id": owner_id}
    _update(
        session,
        choice.lot_ids,
        {"state": state, "location_id": choice.location_id, "hold_id": None, **sold},
    )
    for lot_id in choice.lot_ids:
        session.write(
            sa.insert(BarStateChange).values(
                lot_id=lot_id,
                reference=reference,
                location_id=choice.location_id,
                state=state,
                reached_at=at,
            )
        )


def _update(session: Session, lot_ids: Sequence[UUID], values: dict[str, object]) -> None:
    session.write(sa.update(Bar).where(Bar.lot_id.in_(lot_ids)).values(**values))
