"""How many redemptions one person may request, over all their accounts."""

from datetime import timedelta

import sqlalchemy as sa

from app.kit.formatting import format_number_of
from app.limits.registry import Limit
from app.redemption.requests.models import RedemptionRow
from app.redemption.requests.rules import RedemptionStatus

_ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.Integer)
_REDEMPTIONS = sa.select(
    RedemptionRow.user_id.label("owner"),
    RedemptionRow.id.label("id"),
    RedemptionRow.submitted_at.label("at"),
    _ONE.label("units"),
)

OPEN_REDEMPTIONS = Limit(
    "open_redemptions",
    "redemptions that wait for approval",
    None,
    lambda units: format_number_of(units, "redemption"),
    advice="Cancel one, or wait until one is decided.",
    uses=[_REDEMPTIONS.where(RedemptionRow.status == RedemptionStatus.PENDING_APPROVAL)],
)
#: A redemption that is not approved keeps goods from others, also if it is requested anew each time
#: it ends.
GIVEN_UP_REDEMPTIONS = Limit(
    "given_up_redemptions",
    "redemptions that are not approved",
    timedelta(days=1),
    lambda units: format_number_of(units, "redemption"),
    uses=[_REDEMPTIONS.where(RedemptionRow.approved_at.is_(None))],
)
