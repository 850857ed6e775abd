"""The record of a send: read under its lock, changed by declared steps, each with its event.

For `service` and `arrivals`, which are told by custodians what became of it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.cases import service as cases
from app.catalog.rules import TRADABLE
from app.custody import rules
from app.custody.ports import CustodyTransfer, Network, SendOrder, TransferState
from app.custody.rules import SEND_TRANSITIONS, SETTLED_STATES, SendState
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.money import Amount
from app.outbox import service as outbox

_TABLE, _ADDRESS = "custody_sends", "address_sealed"

_ADD = """
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
_RELEASE = """
UPDATE custody_sends SET claim_id = NULL, claimed_until = NULL WHERE id = %s AND claim_id = %s
"""
_ASK = """
UPDATE custody_sends SET custodian = %s, attempts = attempts + 1, unsettled_at = %s,
    claimed_until = %s
WHERE id = %s
"""
_MOVE = """
UPDATE custody_sends SET state = %(state)s, code = %(code)s, unsettled_at = %(unsettled_at)s,
    settled_at = %(settled_at)s
WHERE id = %(id)s
"""
_LEARN = """
UPDATE custody_sends SET provider_ref = coalesce(%s, provider_ref),
    tx_hash = coalesce(nullif(%s, ''), tx_hash), cost_units = coalesce(%s, cost_units),
    unsettled_at = NULL
WHERE id = %s
"""
_EVENT = """
INSERT INTO custody_send_events (id, send_id, at, state, custodian, what, code)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_STATES = {
    TransferState.PENDING: SendState.ACCEPTED,
    TransferState.COMPLETED: SendState.COMPLETED,
    TransferState.FAILED: SendState.FAILED,
}
#: What we knew, and what a custodian says all the same.
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
    """Plan a send, unless one with its reference is there."""
    identifier, now = ids.new(), clock.now()
    sealed = keys.seal(order.address, table=_TABLE, column=_ADDRESS, key=identifier)
    asset, units = order.amount.asset.code, order.amount.units
    row = session.row(
        _ADD, (identifier, order.reference, asset, units, order.network, sealed, now, now)
    )
    if row is not None:
        session.send(_EVENT, (ids.new(), identifier, now, SendState.PLANNED, None, "planned", ""))


def lock_send(session: Session, reference: str) -> LockedSend | None:
    """The send with this reference, locked until the transaction ends."""
    row = session.row(_LOCK, (reference,))
    if row is None:
        return None
    identifier, reference, code, units, network, sealed, state, *rest = row
    address = keys.open_sealed(sealed, table=_TABLE, column=_ADDRESS, key=identifier).decode()
    amount = Amount(TRADABLE[code], units)
    order = SendOrder(reference, amount, address, Network(network))
    return LockedSend(identifier, order, SendState(state), *rest)


def claim_send(session: Session, send: LockedSend, until: datetime) -> UUID:
    """From now on whoever holds the id that this answers is at it, until then at most."""
    send.claim_id, send.claimed_until = ids.new(), until
    session.send(_CLAIM, (send.claim_id, until, clock.now(), send.id))
    return send.claim_id


def release_claim(session: Session, send: LockedSend, claim_id: UUID) -> None:
    """Others may be at it again."""
    session.send(_RELEASE, (send.id, claim_id))


def record_attempt(session: Session, send: LockedSend, custodian: str, until: datetime) -> None:
    """It is about to be asked of this custodian: from now on nobody knows what it did."""
    send.custodian, send.unsettled_at, send.claimed_until = custodian, clock.now(), until
    session.send(_ASK, (custodian, send.unsettled_at, until, send.id))
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
    """Take a declared step, and stage what funding does when it was the last."""
    was_over = send.state in SETTLED_STATES
    if send.state is not state:
        send.state = SEND_TRANSITIONS.transition(send.state, state)
    send.unsettled_at = unsettled_at
    settled_at = clock.now() if state in SETTLED_STATES else None
    session.send(
        _MOVE,
        {
            "state": state,
            "code": code,
            "unsettled_at": unsettled_at,
            "settled_at": settled_at,
            "id": send.id,
        },
    )
    record_event(session, send, event, code)
    if state in SETTLED_STATES and not was_over:
        outbox.stage(session, rules.SETTLE_TASK, {"reference": send.order.reference})


def record_event(session: Session, send: LockedSend, event: str, code: str = "") -> None:
    """Keep what happened, and in which state it left the send."""
    values = (ids.new(), send.id, clock.now(), send.state, send.custodian, event, code)
    session.send(_EVENT, values)


def apply_transfer(
    session: Session, send: LockedSend, custodian: str, transfer: CustodyTransfer
) -> None:
    """Take in what a custodian says of a send, whoever asked it and however late the answer is.

    What it said before stays where this is older. Anything else than was asked for is disputed.
    """
    if send.custodian != custodian and transfer.state is TransferState.FAILED:
        return
    code = _differs(send, custodian, transfer)
    if code:
        _dispute(session, send, custodian, transfer, code)
        return
    state = _STATES[transfer.state]
    cost = transfer.cost.units if transfer.cost is not None else None
    session.send(_LEARN, (transfer.provider_ref, transfer.tx_hash, cost, send.id))
    if state in SEND_TRANSITIONS.next_statuses[send.state]:
        transition(session, send, state, "known", code=transfer.code)
    elif (send.state, state) in _CONTRADICTIONS:
        _dispute(session, send, custodian, transfer, f"said_{state}_after_{send.state}")


def _dispute(
    session: Session, send: LockedSend, custodian: str, transfer: CustodyTransfer, code: str
) -> None:
    """Nothing more is done by itself: somebody has to look into it."""
    if send.state is SendState.DISPUTED:
        return
    transition(session, send, SendState.DISPUTED, "known", code=code)
    cases.open_case(
        session,
        kind="custody.send",
        subject=send.order.reference,
        key=send.order.reference,
        title="A custodian says something else than was asked of it",
        facts={
            "What is wrong": code,
            "Custodian": custodian,
            "Its id": transfer.provider_ref,
            "Asked for": f"{send.order.amount} {send.order.amount.asset.code}",
            "It says": f"{transfer.amount} {transfer.amount.asset.code}, {transfer.state}",
        },
    )


def _differs(send: LockedSend, custodian: str, transfer: CustodyTransfer) -> str:
    """In what way this is not what was asked; empty if it is."""
    if send.custodian != custodian:
        return "also_sent_elsewhere"
    if transfer.amount != send.order.amount:
        return "amount_differs"
    if transfer.address and transfer.address.lower() != send.order.address.lower():
        return "address_differs"
    return ""
