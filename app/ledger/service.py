"""The verbs of the ledger. Each is one call of a database function in the caller's transaction.

Calls that answer nothing are queued (`Session.send`): what the database refuses is raised by the
next read, `session.flush()`, or the commit.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.tasks import task
from app.ledger.chart import AccountKey
from app.ledger.errors import UnbalancedEntry

_POST = """
SELECT ledger_post(%s, %s, %s, %s::text[], %s::text[], %s::uuid[], %s::bigint[], %s, %s)
"""
_REVERSE = "SELECT ledger_reverse(%s, %s, %s, %s)"
_PLACE_HOLD = "SELECT ledger_place_hold(%s, %s, %s, %s, %s, %s, %s, %s)"
_RELEASE_HOLD = "SELECT ledger_release_hold(%s, %s, %s)"
_EXPIRE_HOLDS = "SELECT ledger_expire_holds(%s, %s)"


class NewPosting(NamedTuple):
    """Units on one account: debit positive, credit negative."""

    account: AccountKey
    units: int


def debit(account: AccountKey, amount: Amount) -> NewPosting:
    """A posting that debits: less owed to a customer, more of an asset."""
    assert account.asset == amount.asset, (account, amount)
    return NewPosting(account, amount.units)


def credit(account: AccountKey, amount: Amount) -> NewPosting:
    """A posting that credits: more owed to a customer, more income."""
    assert account.asset == amount.asset, (account, amount)
    return NewPosting(account, -amount.units)


def post(
    session: Session,
    *,
    cause: str,
    reference: str,
    posted_at: datetime,
    postings: Iterable[NewPosting],
    hold_id: UUID | None = None,
) -> None:
    """Post one entry. Postings of zero are left out, several on one account become one.

    `reference` makes it happen once. With `hold_id` the entry posts that hold: it takes up to the
    held amount from the held account, and what it does not take is released.

    The database raises `InsufficientFunds`, `AlreadyPosted`, `HoldNotPending`, `HoldExpired` or
    `HoldExceeded`; `UnbalancedEntry` if the postings do not sum to zero in each asset.
    """
    totals: dict[AccountKey, int] = {}
    for account, units in postings:
        totals[account] = totals.get(account, 0) + units
    legs = sorted((a.lock_order, units) for a, units in totals.items() if units)
    if not legs:
        raise UnbalancedEntry(f"{cause} {reference} moves nothing")
    session.send(
        _POST,
        (
            reference,
            cause,
            posted_at,
            _array(asset for (asset, _, _), _ in legs),
            _array(line for (_, line, _), _ in legs),
            _array(f"{owner:032x}" for (_, _, owner), _ in legs),
            _array(str(units) for _, units in legs),
            None,
            hold_id,
        ),
    )


def _array(codes: Iterable[str]) -> str:
    """An array as PostgreSQL reads it; codes hold neither quotes nor backslashes."""
    return '{"' + '","'.join(codes) + '"}'


def reverse(
    session: Session, *, reference: str, reverses: str, cause: str, posted_at: datetime
) -> None:
    """Take back the entry whose reference is `reverses`, posting for posting, in a new entry.

    The database raises `AlreadyReversed`, or `InsufficientFunds` where a customer has spent what
    the reversal would take.
    """
    session.send(_REVERSE, (reference, cause, posted_at, reverses))


def place_hold(
    session: Session,
    *,
    hold_id: UUID,
    account: AccountKey,
    amount: Amount,
    cause: str,
    placed_at: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Set `amount` aside on a guarded account.

    The database raises `InsufficientFunds` or `AlreadyHeld`.
    """
    assert account.asset == amount.asset, (account, amount)
    session.send(
        _PLACE_HOLD,
        (
            hold_id,
            account.account_class,
            account.owner_id,
            account.asset.code,
            amount.units,
            cause,
            placed_at,
            expires_at,
        ),
    )


def void_hold(session: Session, hold_id: UUID, *, at: datetime) -> None:
    """Release a pending hold. The database raises `HoldNotPending`."""
    session.send(_RELEASE_HOLD, (hold_id, "voided", at))


def expire_holds(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Release pending holds whose time has come; answers how many."""
    row = session.row(_EXPIRE_HOLDS, (now, limit))
    assert row is not None
    return int(row[0])


@task("ledger.expire_holds")
def expire_due_holds(session: Session) -> None:
    """`expire_holds` as a background task."""
    expire_holds(session, now=clock.now())


@task("ledger.roll_up")
def roll_up(session: Session) -> None:
    """Fold settled postings of house accounts into their roll-ups, so that reading stays short."""
    session.send("SELECT ledger_roll_up()")
