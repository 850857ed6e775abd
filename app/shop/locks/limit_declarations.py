"""How much one person can keep locked at a time, over all their accounts."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from app.catalog.rules import USD
from app.kit.formatting import format_amount, format_number_of
from app.kit.money import Amount
from app.kit.statements import AnySelect
from app.limits.registry import Limit
from app.shop.locks.models import PriceLockRow
from app.shop.locks.rules import LockStatus

_ADVICE = "Use your open price locks, or release one."


def _open(units: InstrumentedAttribute[int]) -> AnySelect:
    """Return open locks. Callers give their lifetime as the window, so that one which a sweep has
    not noted as expired does not count."""
    return sa.select(
        PriceLockRow.user_id.label("owner"),
        PriceLockRow.id.label("id"),
        PriceLockRow.locked_at.label("at"),
        units.label("units"),
    ).where(PriceLockRow.status == LockStatus.OPEN)


#: A lock that is not used keeps goods from others, also if it is locked anew each time it ends.
UNUSED_LOCKS = Limit(
    "unused_locks",
    "locking prices without buying",
    timedelta(hours=1),
    lambda units: format_number_of(units, "price lock"),
    uses=[
        sa.select(
            PriceLockRow.user_id.label("owner"),
            PriceLockRow.id.label("id"),
            PriceLockRow.locked_at.label("at"),
            sa.literal(1).label("units"),
        ).where(PriceLockRow.status != LockStatus.USED)
    ],
)
LOCKED_VALUE = Limit(
    "locked_value",
    "locking prices",
    None,
    lambda units: format_amount(Amount(USD, units)),
    advice=_ADVICE,
    asset=USD,
    uses=[_open(PriceLockRow.total_units)],
)
LOCKED_PIECES = Limit(
    "locked_pieces",
    "locking units",
    None,
    lambda units: format_number_of(units, "unit"),
    advice=_ADVICE,
    uses=[_open(PriceLockRow.pieces)],
)
