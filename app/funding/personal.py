"""What funding holds on a person."""

from uuid import UUID

from app.catalog.rules import TRADABLE
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.personal import KEPT_BY_LAW, Fate, Room, Sections, Table, told

_TRANSFERS = """
SELECT id, from_asset, to_asset, units, transferred_at FROM transfers WHERE user_id = %s ORDER BY id
"""


def _held(session: Session, person_id: UUID) -> Sections:
    found = (
        (transfer_id, origin, destination, str(Amount(TRADABLE[origin], units)), at)
        for transfer_id, origin, destination, units, at in session.rows(_TRANSFERS, (person_id,))
    )
    return {"transfers": told(found, "id fromAsset toAsset amount transferredAt", id="trf")}


ROOM = Room(
    "funding",
    {
        "transfers": Table(
            "Moves between the person's own accounts",
            Fate.KEPT,
            KEPT_BY_LAW,
            exported=("transfers",),
        )
    },
    held=_held,
)
