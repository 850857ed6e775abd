"""Accounts lapse whose email address was not confirmed in time: they are erased, and the address is
free.

No money was ever moved on them. A person who registered another's address holds it no longer than
this.
"""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.access import Role
from app.identity.accounts.rules import AccountStatus
from app.identity.models import User
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.privacy import erasure
from app.privacy.errors import ErasureRefused
from app.settings.queries import current
from app.settings.rules import setting, settings_group

_BATCH = 500


@settings_group("accounts", "Accounts")
@dataclass(frozen=True, slots=True)
class AccountRules:
    """When accounts lapse."""

    unconfirmed_days: int = setting(
        "Lapse without a confirmed email address",
        30,
        minimum=4,
        maximum=365,
        unit="days",
        about="After registration. The account is erased, and its email address can be registered"
        " again.",
    )


def erase_lapsed(database: Database) -> None:
    """Erase the accounts that have lapsed, each in a transaction of its own.

    One with anything open, such as a verification under review, stays until that has ended.
    """
    with database.reading() as session:
        before = clock.now() - timedelta(days=current(session, AccountRules).unconfirmed_days)
        lapsed = session.select(
            lambda user_id: user_id,
            sa.select(User.id.label("user_id"))
            .where(
                User.role == Role.USER,
                User.status == AccountStatus.ACTIVE,
                User.email_confirmed_at.is_(None),
                User.created_at < before,
            )
            .order_by(User.id)
            .limit(_BATCH),
        )
    for person_id in lapsed:
        try:
            with database.transaction() as session:
                erasure.erase_lapsed(session, person_id)
        except (ErasureRefused, NotFound):
            continue
