"""The balances of all guarded accounts of a class at an instant of the near past, in one statement.

Each is the balance of now less what was posted since: few entries, which are found by their time.
"""

import sqlalchemy as sa

from app.kit.statements import SqlInstant
from app.ledger.chart import AccountClass
from app.ledger.models import Account, Balance, Entry, Posting


def balances_at(
    account_class: AccountClass, at: SqlInstant, *, credited_before: SqlInstant | None = None
) -> sa.Subquery:
    """Return the owners, assets and minor units of the accounts of a class at an instant, in their
    normal direction; what was posted at the instant or later does not count.

    With `credited_before` only units count that came before that: the first that came are the first
    that go. Where there are none, the number may be negative.
    """
    since = (
        sa.select(Posting.account_id, sa.func.sum(Posting.units).label("units"))
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Entry.posted_at >= at)
        .group_by(Posting.account_id)
        .subquery("since")
    )
    units = Balance.posted - Account.normal * sa.func.coalesce(since.c.units, 0)
    if credited_before is not None:
        units -= sa.func.coalesce(_credits(credited_before, at), 0)
    return (
        sa.select(Account.owner_id, Account.asset, units.label("units"))
        .join(Balance, Balance.account_id == Account.id)
        .outerjoin(since, since.c.account_id == Account.id)
        .where(Account.account_class == account_class.value)
        .subquery(f"past_{account_class.replace('.', '_')}")
    )


def _credits(start: SqlInstant, end: SqlInstant) -> sa.ScalarSelect[int]:
    """Return what came in on the account of the row from `start` up to `end`."""
    moved = Account.normal * Posting.units
    return (
        sa.select(sa.func.sum(moved))
        .select_from(Posting)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(
            Posting.account_id == Account.id,
            moved > 0,
            Entry.posted_at >= start,
            Entry.posted_at < end,
        )
        .correlate(Account)
        .scalar_subquery()
    )
