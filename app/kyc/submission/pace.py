"""How often a person may submit their identity, and a company."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.kit.db import Session
from app.kit.formatting import format_number_of
from app.kyc import queries
from app.kyc.models import Verification
from app.kyc.rules import KycRules, VerificationKind
from app.limits import service as limits
from app.limits.queries import Demand
from app.limits.registry import Limit
from app.settings.queries import current


def _submissions(kind: VerificationKind) -> Limit:
    limit = Limit(
        f"submissions_{kind}",
        f"submissions of {kind.label.lower()}",
        timedelta(days=KycRules().submissions_days),
        lambda count: format_number_of(count, "submission"),
    )
    limit.count(
        sa.select(
            Verification.user_id.label("owner"),
            Verification.id.label("id"),
            Verification.submitted_at.label("at"),
            sa.literal_column("1", sa.Integer).label("units"),
        ).where(Verification.kind == kind)
    )
    return limit


_LIMITS = {
    kind: _submissions(kind) for kind in (VerificationKind.IDENTITY, VerificationKind.BUSINESS)
}


def check_submission(session: Session, user_id: UUID, kind: VerificationKind) -> None:
    """Raise `RateLimited` unless the person may submit this kind once more now."""
    rules = current(session, KycRules)
    limits.check_pace(
        session,
        queries.accounts_of_person(session, user_id),
        Demand(_LIMITS[kind], rules.submissions_max, 1, own_window=rules.submissions_period),
        detail=f"You can submit this {format_number_of(rules.submissions_max, 'time')} in"
        f" {format_number_of(rules.submissions_days, 'day')}.",
    )
