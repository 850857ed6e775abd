"""How many ounces a customer may exchange between PAXG and XAU-s, by transfers and by orders.

The rooms of both count their rows here, so that the ounces add up whichever way they pass.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from app.catalog.rules import PAXG
from app.kit.db import Session
from app.kit.formatting import format_tersely
from app.kit.money import Amount
from app.limits import service as limits
from app.limits.queries import Demand
from app.limits.registry import Limit
from app.pricing.errors import TransferLimitExceeded
from app.pricing.gate import TransferLimits
from app.settings.queries import current


def _ounces(units: int) -> str:
    return f"{format_tersely(Amount(PAXG, units))} troy ounces"


OUNCES_DAY = Limit(
    "ounces_day",
    "exchanging PAXG and XAU-s",
    timedelta(days=1),
    _ounces,
    TransferLimitExceeded,
    asset=PAXG,
)


def check_ounces(session: Session, owners: Sequence[UUID], given: Amount) -> None:
    """Lock the person's limits and raise `TransferLimitExceeded` unless they may exchange this now.

    `owners` are the ids of all their accounts.
    """
    allowed = current(session, TransferLimits)
    largest, day = (
        int(ounces * given.asset.unit) for ounces in (allowed.ounces_max, allowed.ounces_per_day)
    )
    if given.units > largest:
        raise TransferLimitExceeded(
            f"You can exchange up to {_ounces(largest)} of PAXG and XAU-s at a time.",
            limit="ounces_max",
            asset=PAXG.code,
            maximum=OUNCES_DAY.plain(largest),
            left=OUNCES_DAY.plain(largest),
        )
    limits.check(session, owners, Demand(OUNCES_DAY, day, given.units))
