"""The verbs of the ledger. Each is one call of a database function in the caller's transaction.

Calls without a result are queued (`Session.send`): the next read, `session.flush()` or the commit
raises what the database refuses.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.ledger.chart import AccountKey
from app.ledger.errors import UnbalancedEntry

_POST = """
SELECT ledger_post(%s, %s, %s, %s::text[], %s::text[], %s::uuid[], %s::bigint[], %s, %s::uuid[])
"""
_REVERSE = "SELECT ledger_reverse(%s, %s, %s, %s)"
_PLACE_HOLD = "SELECT ledger_place_hold(%s, %s, %s, %s, %s, %s, %s, %s)"
_RELEASE_HOLDS = "SELECT ledger_release_holds(%s::uuid[], %s, %s)"
_CLOSE = "SELECT ledger_close_account(%s, %s, %s, %s)"
_EXPIRE_HOLDS = "SELECT ledger_expire_holds(%s, %s)"


class NewPosting(NamedTuple):
    """A posting to make, in minor units: debit positive, credit negative."""

    account: AccountKey
    units: int


def debit(account: AccountKey, amount: Amount) -> NewPosting:
    """Return a debit: less owed to a customer, or more of an asset."""
    assert account.asset == amount.asset, (account, amount)
    return NewPosting(account, amount.units)


def credit(account: AccountKey, amount: Amount) -> NewPosting:
    """Return a credit: more owed to a customer, or more income."""
    assert account.asset == amount.asset, (account, amount)
    return NewPosting(account, -amount.units)


def post(
    session: Session,
    *,
    cause: str,
    reference: str,
    posted_at: datetime,
    postings: Iterable[NewPosting],
    hold_ids: Sequence[UUID] = (),
) -> None:
    """Post one entry. Zero postings are left out, and several on one account are merged.

    `reference` makes it happen once. With `hold_ids` the entry posts these holds: it takes from
    each held account at least one unit and up to what they hold there; the rest is released.

    The database raises `InsufficientFunds`, `AlreadyPosted`, `HoldNotPending`, `HoldExpired` or
    `HoldExceeded`; `UnbalancedEntry` if the postings do not sum to zero in each asset.
    """
    totals: dict[AccountKey, int] = {}
    for account, units in postings:
        totals[account] = totals.get(account, 0) + units
    postings_in_order = sorted((a.lock_order, units) for a, units in totals.items() if units)
    if not postings_in_order:
        raise UnbalancedEntry(f"{cause} {reference} moves nothing")
    session.send(
        _POST,
        (
            reference,
            cause,
            posted_at,
            _array(asset for (asset, _, _), _ in postings_in_order),
            _array(account_class for (_, account_class, _), _ in postings_in_order),
            _array(f"{owner:032x}" for (_, _, owner), _ in postings_in_order),
            _array(str(units) for _, units in postings_in_order),
            None,
            list(hold_ids) or None,
        ),
    )


def _array(codes: Iterable[str]) -> str:
    """Return an array literal for PostgreSQL; the codes hold no quotes and no backslashes."""
    return '{"' + '","'.join(codes) + '"}'


def reverse(
    session: Session, *, reference: str, reverses: str, cause: str, posted_at: datetime
) -> None:
    """Reverse the entry with the reference `reverses`, posting by posting, in a new entry.

    The database raises `NotFound`, `AlreadyReversed`, or `InsufficientFunds` if a customer has
    spent what the reversal would take.
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


def void_holds(session: Session, hold_ids: Sequence[UUID], *, at: datetime) -> None:
    """Release pending holds, all or none. The database raises `HoldNotPending`."""
    session.send(_RELEASE_HOLDS, (list(hold_ids), "voided", at))


def expire_holds(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Release up to `limit` pending holds that have expired. Return how many."""
    return int(session.value(_EXPIRE_HOLDS, (now, limit)))


def expire_due_holds(session: Session) -> None:
    """Release the holds that have expired."""
    expire_holds(session, now=clock.now())


def close_accounts(
    session: Session, owner_id: UUID, assets: Iterable[Asset], *, ends_at: datetime
) -> None:
    """Close a customer's accounts in these assets up to an instant, before a statement of them is
    issued: what is posted from now on belongs to later periods, whatever its time.

    Waits for entries that are being posted. Closing the same again changes nothing.
    """
    now = clock.now()
    for asset in sorted(assets, key=lambda asset: asset.code):
        session.send(_CLOSE, (owner_id, asset.code, ends_at, now))


def roll_up(session: Session) -> None:
    """Add settled postings of house accounts to their roll-ups, which keeps reads short."""
    session.send("SELECT ledger_roll_up()")
