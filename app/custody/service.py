"""The verbs of sends: each goes out once, by one custodian, whatever fails on the way.

A custodian is called between two transactions. The first one records the custodian; from then on
the outcome is unknown, until the second one stores the answer. After a crash or a call without an
answer the custodian's records are read first, by our reference. The same custodian may then be
called again, because the reference is its idempotency key. Another custodian may be called only
after the first has certainly done nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from app.custody import queries, send_records, wallet_addresses
from app.custody.errors import SendDiffers
from app.custody.ports import (
    Custodian,
    CustodianCannotSend,
    Custodians,
    CustodyTransfer,
    Network,
    SendOrder,
)
from app.custody.queries import SendStatus
from app.custody.rules import IN_FLIGHT_MAX, SETTLED_STATES, SendState
from app.custody.send_records import OWN_FUNDS, LockedSend
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.formatting import format_amount
from app.kit.money import Amount, Asset
from app.kit.ports import resolve
from app.kit.tasks import JobClaimedElsewhere
from app.outbox import service as outbox
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.own_funds import report_shortage

#: Longer than one call can take: after this time the claiming process has ended.
CLAIM_DURATION: Final = timedelta(minutes=2)
_CHECK_INTERVAL = timedelta(seconds=30)
#: The same for a send that no custodian could make so far.
_WAITING_INTERVAL = timedelta(minutes=5)
_ATTEMPTS_AT_ONCE = 10
_BATCH = 100

_SELECT_UNSETTLED = """
UPDATE custody_sends SET looked_at = %(now)s WHERE id = ANY (ARRAY(
    SELECT id FROM custody_sends
    WHERE settled_at IS NULL AND looked_at < CASE
        WHEN state = 'planned' AND attempts > %(attempts)s THEN %(waiting_before)s
        ELSE %(before)s END
    ORDER BY looked_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING reference, custodian
"""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _ClaimedSend:
    """A send that this process has claimed."""

    claim_id: UUID
    send: LockedSend


def send(
    database: Database,
    *,
    reference: str,
    asset: Asset,
    units: int,
    address: str,
    network: Network = Network.ETHEREUM,
) -> SendStatus:
    """Send once, and return the status; call this or `settle` again until it is settled.

    `units` are what the recipient gets; the custodian's fee comes on top. Uses transactions of its
    own. Raises `SendDiffers` if the reference belongs to another send, `JobClaimedElsewhere` while
    another process handles it, and `Invalid` for an address to which nothing may be sent.
    """
    wallet_addresses.check_address("address", address)
    order = SendOrder(reference, Amount(asset, units), address, network)
    with database.transaction() as session:
        send_records.plan_send(session, order)
        planned = send_records.lock_send(session, reference)
        if planned is None or planned.order != order:
            raise SendDiffers
    return settle(database, reference)


def settle(database: Database, reference: str) -> SendStatus:
    """Move a send on as far as possible, and return its status.

    Uses transactions of its own. Raises `NotFound`, and `JobClaimedElsewhere` while another process
    handles it.
    """
    claimed = _claim(database, reference)
    if claimed is not None:
        try:
            _proceed(database, claimed)
        finally:
            with database.transaction() as session:
                send_records.release_claim(session, claimed.send, claimed.claim_id)
    with database.reading() as session:
        return queries.send_status(session, reference)


def follow_sends(session: Session) -> None:
    """Stage the check of every unsettled send that was not checked for a while."""
    now = clock.now()
    values = {
        "now": now, "before": now - _CHECK_INTERVAL, "limit": _BATCH,
        "waiting_before": now - _WAITING_INTERVAL, "attempts": _ATTEMPTS_AT_ONCE,
    }  # fmt: skip
    for reference, custodian in session.rows(_SELECT_UNSETTLED, values):
        args, provider = {"reference": reference}, custodian or "custody"
        outbox.stage_unless_waiting(session, "custody.settle_send", args, provider=provider)


def _claim(database: Database, reference: str) -> _ClaimedSend | None:
    """Claim the send; None if it is settled. Raises `NotFound` and `JobClaimedElsewhere`."""
    with database.transaction() as session:
        current = send_records.lock_send(session, reference)
        if current is None:
            raise NotFound
        if current.state in SETTLED_STATES:
            return None
        now = clock.now()
        if current.claimed_until is not None and current.claimed_until > now:
            raise JobClaimedElsewhere
        if current.state is SendState.PLANNED and current.unsettled_at is not None:
            # The process that called the custodian has ended, perhaps after the custodian sent.
            send_records.transition(
                session, current, SendState.UNKNOWN, "ended", unsettled_at=current.unsettled_at
            )
        return _ClaimedSend(
            send_records.claim_send(session, current, now + CLAIM_DURATION), current
        )


def _proceed(database: Database, claimed: _ClaimedSend) -> None:
    """Check the custodian that may have sent it; send it if none has."""
    current = claimed.send
    if current.state is SendState.PLANNED:
        _send_by_any(database, claimed)
        return
    assert current.custodian is not None, "a custodian was called"
    if _check_records(database, claimed) is _NOT_FOUND and current.state is SendState.UNKNOWN:
        _send_again(database, claimed)


_FOUND, _NOT_FOUND, _NO_ANSWER = "known", "not_known", "no_answer"


def _check_records(database: Database, claimed: _ClaimedSend) -> str:
    """Read the custodian's record of our reference, and apply it."""
    current = claimed.send
    assert current.custodian is not None
    custodian = _custodian(current.custodian)
    if custodian is None:
        return _NO_ANSWER
    try:
        transfer = custodian.find(current.order.reference, since=current.planned_at)
    except (ProviderUnavailable, ProviderOutcomeUnknown, ProviderRefused) as failure:
        _log.warning("custody_not_looked", reference=current.order.reference, reason=str(failure))
        return _NO_ANSWER
    if transfer is None:
        return _NOT_FOUND
    with database.transaction() as session:
        send_records.apply_transfer(
            session, _lock_again(session, current), custodian.name, transfer
        )
    return _FOUND


def _send_again(database: Database, claimed: _ClaimedSend) -> None:
    """Call the same custodian once more; it may still be processing the earlier call.

    Its answer is conclusive only when the earlier call can no longer be in flight.
    """
    current = claimed.send
    assert current.custodian is not None
    custodian = _custodian(current.custodian)
    if custodian is None:
        return
    called_before = current.unsettled_at
    is_conclusive = called_before is None or clock.now() - called_before > IN_FLIGHT_MAX
    result = _call_to_send(database, claimed, custodian)
    if isinstance(result, CustodyTransfer | ProviderOutcomeUnknown):
        return
    with database.transaction() as session:
        locked = _lock_if_claimed(session, claimed)
        if locked is None or locked.state is not SendState.UNKNOWN:
            return
        if not is_conclusive:
            # This call did nothing, so the outcome is as unknown as before.
            send_records.transition(
                session, locked, SendState.UNKNOWN, _event_of(result), unsettled_at=called_before
            )
            return
        state = _record_nothing_done(session, locked, result)
    if state is SendState.PLANNED:
        _send_by_any(database, claimed)


def _send_by_any(database: Database, claimed: _ClaimedSend) -> None:
    """Call one custodian after the other, as long as each has certainly done nothing.

    If none can send, the send waits, and staff are alerted.
    """
    with database.transaction() as session:
        names = queries.custodians_for(session, claimed.send.order)
    refusals: dict[str, str] = {}
    for name in names:
        result = _call_to_send(database, claimed, resolve(Custodians)[name])
        if isinstance(result, CustodyTransfer):
            return
        if isinstance(result, ProviderOutcomeUnknown):
            # The custodian's records often show the send already.
            _check_records(database, claimed)
            return
        with database.transaction() as session:
            locked = _lock_if_claimed(session, claimed)
            if locked is None or locked.state is not SendState.PLANNED:
                return
            state = _record_nothing_done(session, locked, result)
        if state is not SendState.PLANNED:
            return
        if isinstance(result, CustodianCannotSend):
            refusals[name] = result.code
    if refusals:
        amount = claimed.send.order.amount
        codes = ", ".join(f"{name}: {code}" for name, code in refusals.items())
        with database.transaction() as session:
            report_shortage(
                session, OWN_FUNDS, amount.asset.code, amount=format_amount(amount), code=codes
            )


def _call_to_send(
    database: Database, claimed: _ClaimedSend, custodian: Custodian
) -> CustodyTransfer | ProviderOutcomeUnknown | ProviderUnavailable | ProviderRefused:
    """Call a custodian to send, apply its answer and return it, or return the error."""
    until = clock.now() + CLAIM_DURATION
    with database.transaction() as session:
        locked = _lock_if_claimed(session, claimed)
        if locked is None or locked.state not in {SendState.PLANNED, SendState.UNKNOWN}:
            raise JobClaimedElsewhere
        send_records.record_attempt(session, locked, custodian.name, until)
    claimed.send.custodian = custodian.name
    if clock.now() >= until:
        raise JobClaimedElsewhere
    try:
        transfer = custodian.send(claimed.send.order)
    except (ProviderUnavailable, ProviderRefused) as failure:
        return failure
    except ProviderOutcomeUnknown as failure:
        with database.transaction() as session:
            locked = _lock_again(session, claimed.send)
            if locked.state in {SendState.PLANNED, SendState.UNKNOWN}:
                send_records.transition(
                    session,
                    locked,
                    SendState.UNKNOWN,
                    _NO_ANSWER,
                    unsettled_at=locked.unsettled_at,
                )
        return failure
    with database.transaction() as session:
        send_records.apply_transfer(
            session, _lock_again(session, claimed.send), custodian.name, transfer
        )
    return transfer


def _record_nothing_done(
    session: Session, locked: LockedSend, failure: ProviderUnavailable | ProviderRefused
) -> SendState:
    """Record that the custodian has certainly done nothing; return the state that follows."""
    if isinstance(failure, ProviderRefused) and not isinstance(failure, CustodianCannotSend):
        send_records.transition(session, locked, SendState.REFUSED, "refused", code=failure.code)
    else:
        code = failure.code if isinstance(failure, ProviderRefused) else ""
        send_records.transition(session, locked, SendState.PLANNED, _event_of(failure), code=code)
    return locked.state


def _event_of(failure: Exception) -> str:
    return "refused" if isinstance(failure, ProviderRefused) else "away"


def _lock_again(session: Session, current: LockedSend) -> LockedSend:
    locked = send_records.lock_send(session, current.order.reference)
    assert locked is not None, "sends are never deleted"
    return locked


def _lock_if_claimed(session: Session, claimed: _ClaimedSend) -> LockedSend | None:
    """Return the locked send if our claim still holds; another process takes over a slow one."""
    locked = _lock_again(session, claimed.send)
    return locked if locked.claim_id == claimed.claim_id else None


def _custodian(name: str) -> Custodian | None:
    """Return the custodian with this name; None while it is switched off."""
    custodian = resolve(Custodians).get(name)
    if custodian is None:
        _log.error("custodian_switched_off", custodian=name)
    return custodian
