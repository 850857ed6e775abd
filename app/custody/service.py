"""The verbs of sends: each goes out once, by one custodian, whatever breaks on the way.

A custodian is asked between two transactions. The first writes down whom we ask; from then on it is
unknown what was done, until the answer is in the second. Whoever finds a send so (the process
ended, or no answer came) looks first: the custodian is asked what it knows of our reference. It may
be asked to send again, since it knows a repetition by the reference; another custodian may not,
unless the first has certainly done nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from app.custody import queries, sends
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
from app.custody.sends import LockedSend
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.money import Amount, Asset
from app.kit.ports import resolve
from app.kit.tasks import JobClaimedElsewhere, task
from app.outbox import service as outbox
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: Longer than one call may take; whoever has not come back by then has ended.
CLAIM_DURATION: Final = timedelta(minutes=2)
_LOOK_AGAIN = timedelta(seconds=30)
_AT_ONCE_MAX = 100

_OPEN = """
UPDATE custody_sends SET looked_at = %(now)s WHERE id = ANY (ARRAY(
    SELECT id FROM custody_sends WHERE settled_at IS NULL AND looked_at < %(before)s
    ORDER BY looked_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING reference
"""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Turn:
    """A send in this process's hands."""

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
    """Send, unless that was done, and say how it stands: call it again, or `settle`, until it is
    over. `units` are what is to arrive; what the custodian takes comes on top of it.

    Has transactions of its own. Raises `SendDiffers` where the reference is another send's, and
    `JobClaimedElsewhere` while another process is at it.
    """
    order = SendOrder(reference, Amount(asset, units), address, network)
    with database.transaction() as session:
        sends.plan_send(session, order)
        planned = sends.lock_send(session, reference)
        if planned is None or planned.order != order:
            raise SendDiffers
    return settle(database, reference)


def settle(database: Database, reference: str) -> SendStatus:
    """Look again at a send that is not over, do what is left to be done, and say how it stands.

    Has transactions of its own. Raises `NotFound`, and `JobClaimedElsewhere` while another process
    is at it.
    """
    turn = _begin(database, reference)
    if turn is not None:
        try:
            _proceed(database, turn)
        finally:
            with database.transaction() as session:
                sends.release_claim(session, turn.send, turn.claim_id)
    with database.reading() as session:
        return queries.send_status(session, reference)


@task("custody.settle_send", own_transactions=True)
def settle_send(database: Database, *, reference: str) -> None:
    """`settle`, for a send of whose end nobody has told us."""
    settle(database, reference)


@task("custody.follow_sends")
def follow_sends(session: Session) -> None:
    """Have every send looked at that is not over and was not looked at for a while."""
    now = clock.now()
    values = {"now": now, "before": now - _LOOK_AGAIN, "limit": _AT_ONCE_MAX}
    for (reference,) in session.rows(_OPEN, values):
        outbox.stage(session, "custody.settle_send", {"reference": reference})


def _begin(database: Database, reference: str) -> _Turn | None:
    """The send, from now on in our hands; None if there is nothing to be done about it."""
    with database.transaction() as session:
        found = sends.lock_send(session, reference)
        if found is None:
            raise NotFound
        if found.state in SETTLED_STATES:
            return None
        now = clock.now()
        if found.claimed_until is not None and found.claimed_until > now:
            raise JobClaimedElsewhere
        if found.state is SendState.PLANNED and found.unsettled_at is not None:
            # Whoever asked has ended, perhaps after the custodian did it.
            sends.transition(
                session, found, SendState.UNKNOWN, "ended", unsettled_at=found.unsettled_at
            )
        return _Turn(sends.claim_send(session, found, now + CLAIM_DURATION), found)


def _proceed(database: Database, turn: _Turn) -> None:
    """Look where it may have been sent; send where it was not."""
    found = turn.send
    if found.state is SendState.PLANNED:
        _send_somewhere(database, turn)
        return
    assert found.custodian is not None, "it was asked of one"
    if _look(database, turn) is _NOT_KNOWN and found.state is SendState.UNKNOWN:
        _send_again(database, turn)


_KNOWN, _NOT_KNOWN, _NO_ANSWER = "known", "not_known", "no_answer"


def _look(database: Database, turn: _Turn) -> str:
    """Ask the custodian what it knows of our reference, and take it in."""
    found = turn.send
    assert found.custodian is not None
    custodian = _custodian(found.custodian)
    if custodian is None:
        return _NO_ANSWER
    try:
        transfer = custodian.find(found.order.reference, since=found.planned_at)
    except (ProviderUnavailable, ProviderOutcomeUnknown, ProviderRefused) as failure:
        _log.warning("custody_not_looked", reference=found.order.reference, reason=str(failure))
        return _NO_ANSWER
    if transfer is None:
        return _NOT_KNOWN
    with database.transaction() as session:
        sends.apply_transfer(session, _again(session, found), custodian.name, transfer)
    return _KNOWN


def _send_again(database: Database, turn: _Turn) -> None:
    """Ask the same custodian once more: it was asked before, and may still be at it.

    What it says now is the end of it only once the earlier request cannot be acted upon any more.
    """
    found = turn.send
    assert found.custodian is not None
    custodian = _custodian(found.custodian)
    if custodian is None:
        return
    asked_before = found.unsettled_at
    is_certain = asked_before is None or clock.now() - asked_before > IN_FLIGHT_MAX
    result = _ask(database, turn, custodian)
    if isinstance(result, CustodyTransfer | ProviderOutcomeUnknown):
        return
    with database.transaction() as session:
        locked = _mine(session, turn)
        if locked is None or locked.state is not SendState.UNKNOWN:
            return
        if not is_certain:
            # As unknown as before this attempt, which did nothing.
            sends.transition(
                session, locked, SendState.UNKNOWN, _what(result), unsettled_at=asked_before
            )
            return
        state = _did_nothing(session, locked, result)
    if state is SendState.PLANNED:
        _send_somewhere(database, turn)


def _send_somewhere(database: Database, turn: _Turn) -> None:
    """Ask one custodian after the other, as long as each has certainly done nothing."""
    with database.transaction() as session:
        names = queries.custodians_for(session, turn.send.order)
    for name in names:
        result = _ask(database, turn, resolve(Custodians)[name])
        if isinstance(result, CustodyTransfer):
            return
        if isinstance(result, ProviderOutcomeUnknown):
            # It often knows already.
            _look(database, turn)
            return
        with database.transaction() as session:
            locked = _mine(session, turn)
            if locked is None or locked.state is not SendState.PLANNED:
                return
            state = _did_nothing(session, locked, result)
        if state is not SendState.PLANNED:
            return


def _ask(
    database: Database, turn: _Turn, custodian: Custodian
) -> CustodyTransfer | ProviderOutcomeUnknown | ProviderUnavailable | ProviderRefused:
    """Ask a custodian to send, and take in what it answers; else the error says what it did."""
    until = clock.now() + CLAIM_DURATION
    with database.transaction() as session:
        locked = _mine(session, turn)
        if locked is None or locked.state not in {SendState.PLANNED, SendState.UNKNOWN}:
            raise JobClaimedElsewhere
        sends.record_attempt(session, locked, custodian.name, until)
    turn.send.custodian = custodian.name
    if clock.now() >= until:
        raise JobClaimedElsewhere
    try:
        transfer = custodian.send(turn.send.order)
    except (ProviderUnavailable, ProviderRefused) as failure:
        return failure
    except ProviderOutcomeUnknown as failure:
        with database.transaction() as session:
            locked = _again(session, turn.send)
            if locked.state in {SendState.PLANNED, SendState.UNKNOWN}:
                sends.transition(
                    session,
                    locked,
                    SendState.UNKNOWN,
                    _NO_ANSWER,
                    unsettled_at=locked.unsettled_at,
                )
        return failure
    with database.transaction() as session:
        sends.apply_transfer(session, _again(session, turn.send), custodian.name, transfer)
    return transfer


def _did_nothing(
    session: Session, locked: LockedSend, failure: ProviderUnavailable | ProviderRefused
) -> SendState:
    """The custodian has certainly done nothing: it is to be sent by another, or by nobody."""
    if isinstance(failure, ProviderRefused) and not isinstance(failure, CustodianCannotSend):
        sends.transition(session, locked, SendState.REFUSED, "refused", code=failure.code)
    else:
        code = failure.code if isinstance(failure, ProviderRefused) else ""
        sends.transition(session, locked, SendState.PLANNED, _what(failure), code=code)
    return locked.state


def _what(failure: Exception) -> str:
    return "refused" if isinstance(failure, ProviderRefused) else "away"


def _again(session: Session, found: LockedSend) -> LockedSend:
    locked = sends.lock_send(session, found.order.reference)
    assert locked is not None, "sends are never deleted"
    return locked


def _mine(session: Session, turn: _Turn) -> LockedSend | None:
    """The send, if it is still in our hands: another process takes over what took too long."""
    locked = _again(session, turn.send)
    return locked if locked.claim_id == turn.claim_id else None


def _custodian(name: str) -> Custodian | None:
    """The custodian of that name; None while it is switched off."""
    found = resolve(Custodians).get(name)
    if found is None:
        _log.error("custodian_switched_off", custodian=name)
    return found
