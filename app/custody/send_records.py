"""The rows of sends: locked, claimed, and changed by declared transitions, each with an event.

Used by `service`, which calls custodians, and by `incoming_tokens`, which polls them.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.cases import service as cases
from app.catalog.rules import TRADABLE
from app.custody.facts import SendSettled
from app.custody.ports import CustodyTransfer, Network, SendOrder, TransferState
from app.custody.rules import SEND_TRANSITIONS, SETTLED_STATES, SendState
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.outbox import service as outbox
from app.providers.own_funds import end_shortage

_TABLE, _INSERTRESS = "custody_sends", "address_sealed"

_INSERT = """
INSERT INTO custody_sends (id, reference, asset, units, network, address_sealed, state, planned_at,
    looked_at)
VALUES (%s, %s, %s, %s, %s, %s, 'planned', %s, %s)
ON CONFLICT (reference) DO NOTHING RETURNING id
"""
_LOCK = """
SELECT id, reference, asset, units, network, address_sealed, state, custodian, unsettled_at,
    claim_id, claimed_until, planned_at
FROM custody_sends WHERE reference = %s FOR UPDATE
"""
_CLAIM = """
UPDATE custody_sends SET claim_id = %s, claimed_until = %s, looked_at = %s WHERE id = %s
"""
_RELEASE_CLAIM = """
UPDATE custody_sends SET claim_id = NULL, claimed_until = NULL WHERE id = %s AND claim_id = %s
"""
_SET_CALLED = """
UPDATE custody_sends SET custodian = %s, attempts = attempts + 1, unsettled_at = %s,
    claimed_until = %s
WHERE id = %s
"""
_SET_STATE = """
UPDATE custody_sends SET state = %(state)s, code = %(code)s, unsettled_at = %(unsettled_at)s,
    settled_at = %(settled_at)s
WHERE id = %(id)s
"""
_SET_RESULT = """
UPDATE custody_sends SET provider_ref = coalesce(%s, provider_ref),
    tx_hash = coalesce(nullif(%s, ''), tx_hash), cost_units = coalesce(%s, cost_units),
    unsettled_at = NULL
WHERE id = %s
"""
_INSERT_EVENT = """
INSERT INTO custody_send_events (id, send_id, at, state, custodian, what, code)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_OTHERS_WAIT = """
SELECT EXISTS (
    SELECT FROM custody_sends
    WHERE settled_at IS NULL AND state = 'planned' AND attempts > 0 AND asset = %s AND id <> %s
)
"""
#: Whose balance is too low where no custodian could make a send.
OWN_FUNDS = "custody"
_STATES = {
    TransferState.PENDING: SendState.ACCEPTED,
    TransferState.COMPLETED: SendState.COMPLETED,
    TransferState.FAILED: SendState.FAILED,
}
#: Our state of the send, and a custodian's state that contradicts it.
_CONTRADICTIONS = {
    (SendState.COMPLETED, SendState.FAILED),
    (SendState.FAILED, SendState.ACCEPTED),
    (SendState.FAILED, SendState.COMPLETED),
    (SendState.REFUSED, SendState.ACCEPTED),
    (SendState.REFUSED, SendState.COMPLETED),
}


@dataclass(slots=True)
class LockedSend:
    """A send whose row this transaction has locked."""

    id: UUID
    order: SendOrder
    state: SendState
    custodian: str | None
    unsettled_at: datetime | None
    claim_id: UUID | None
    claimed_until: datetime | None
    planned_at: datetime


def plan_send(session: Session, order: SendOrder) -> None:
    """Plan a send, unless one with its reference exists."""
    identifier, now = ids.new(), clock.now()
    sealed = keys.seal(order.address, table=_TABLE, column=_INSERTRESS, key=identifier)
    asset, units = order.amount.asset.code, order.amount.units
    row = session.row(
        _INSERT, (identifier, order.reference, asset, units, order.network, sealed, now, now)
    )
    if row is not None:
        session.send(
            _INSERT_EVENT, (ids.new(), identifier, now, SendState.PLANNED, None, "planned", "")
        )


def lock_send(session: Session, reference: str) -> LockedSend | None:
    """Return the send with this reference or None, its row locked."""
    row = session.row(_LOCK, (reference,))
    if row is None:
        return None
    identifier, reference, code, units, network, sealed, state, *rest = row
    address = keys.open_sealed(sealed, table=_TABLE, column=_INSERTRESS, key=identifier).decode()
    amount = Amount(TRADABLE[code], units)
    order = SendOrder(reference, amount, address, Network(network))
    return LockedSend(identifier, order, SendState(state), *rest)


def claim_send(session: Session, send: LockedSend, until: datetime) -> UUID:
    """Claim the send for this process until then, and return the id of the claim."""
    send.claim_id, send.claimed_until = ids.new(), until
    session.send(_CLAIM, (send.claim_id, until, clock.now(), send.id))
    return send.claim_id


def release_claim(session: Session, send: LockedSend, claim_id: UUID) -> None:
    """Release a claim, so that another process can take the send on."""
    session.send(_RELEASE_CLAIM, (send.id, claim_id))


def record_attempt(session: Session, send: LockedSend, custodian: str, until: datetime) -> None:
    """Record that this custodian is about to be called: from now on the outcome is unknown."""
    send.custodian, send.unsettled_at, send.claimed_until = custodian, clock.now(), until
    session.send(_SET_CALLED, (custodian, send.unsettled_at, until, send.id))
    record_event(session, send, "asked")


def transition(
    session: Session,
    send: LockedSend,
    state: SendState,
    event: str,
    *,
    unsettled_at: datetime | None = None,
    code: str = "",
) -> None:
    """Set the next state with its event. The last one publishes `SendSettled`.

    Raises for an undeclared transition.
    """
    was_settled = send.state in SETTLED_STATES
    if send.state is not state:
        send.state = SEND_TRANSITIONS.transition(send.state, state)
    send.unsettled_at = unsettled_at
    settled_at = clock.now() if state in SETTLED_STATES else None
    session.send(
        _SET_STATE,
        {
            "state": state,
            "code": code,
            "unsettled_at": unsettled_at,
            "settled_at": settled_at,
            "id": send.id,
        },
    )
    record_event(session, send, event, code)
    _end_shortage(session, send)
    if state in SETTLED_STATES and not was_settled:
        outbox.publish(session, SendSettled(send.order.reference))


def record_event(session: Session, send: LockedSend, event: str, code: str = "") -> None:
    """Record an event, and the state in which it left the send."""
    values = (ids.new(), send.id, clock.now(), send.state, send.custodian, event, code)
    session.send(_INSERT_EVENT, values)


def apply_transfer(
    session: Session, send: LockedSend, custodian: str, transfer: CustodyTransfer
) -> None:
    """Apply a custodian's current transfer to its send, however late it is.

    A state that is older than the stored one changes nothing. A transfer that differs from the
    order makes the send disputed.
    """
    if send.custodian != custodian and transfer.state is TransferState.FAILED:
        return
    code = _difference(send, custodian, transfer)
    if code:
        _dispute(session, send, custodian, transfer, code)
        return
    state = _STATES[transfer.state]
    cost = transfer.cost.units if transfer.cost is not None else None
    session.send(_SET_RESULT, (transfer.provider_ref, transfer.tx_hash, cost, send.id))
    if state in SEND_TRANSITIONS.next_statuses[send.state]:
        transition(session, send, state, "known", code=transfer.code)
    elif (send.state, state) in _CONTRADICTIONS:
        _dispute(session, send, custodian, transfer, f"said_{state}_after_{send.state}")


def _end_shortage(session: Session, send: LockedSend) -> None:
    """Note what became of a send: once none waits for a balance, the alert ends."""
    if send.state not in SETTLED_STATES | {SendState.ACCEPTED}:
        return
    asset = send.order.amount.asset.code
    end_shortage(
        session,
        OWN_FUNDS,
        asset,
        waits=lambda: bool(session.value(_OTHERS_WAIT, (asset, send.id))),
        reason=f"The last send that waited: {send.state.label.lower()}.",
    )


def _dispute(
    session: Session, send: LockedSend, custodian: str, transfer: CustodyTransfer, code: str
) -> None:
    """Mark the send disputed, and open a case: the system does nothing more about it."""
    if send.state is SendState.DISPUTED:
        return
    transition(session, send, SendState.DISPUTED, "known", code=code)
    cases.open_case(
        session,
        kind="custody.send",
        subject=send.order.reference,
        key=send.order.reference,
        title="A custodian's record differs from the send that was ordered",
        facts={
            "Difference": code,
            "Custodian": custodian,
            "Custodian's id": transfer.provider_ref,
            "Ordered": format_amount(send.order.amount),
            "Reported": f"{format_amount(transfer.amount)}, {transfer.state}",
        },
    )


def _difference(send: LockedSend, custodian: str, transfer: CustodyTransfer) -> str:
    """Return the code of how the transfer differs from the order; empty if it does not."""
    if send.custodian != custodian:
        return "also_sent_elsewhere"
    if transfer.amount != send.order.amount:
        return "amount_differs"
    if transfer.address and transfer.address.lower() != send.order.address.lower():
        return "address_differs"
    return ""
