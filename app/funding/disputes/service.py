"""The verbs of payments taken back: in a dispute by the customer's bank, or by a refund made at the
processor.

A deposit can be taken back in several parts. Each has a row, a debt, a fee and an end of its own,
and is owed while the processor says that the money is not ours; ends that change are followed.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import PaymentMethod
from app.funding import limits
from app.funding.card_refunds import settlement
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.disputes.queries import PREFIX
from app.funding.facts import PaymentDisputed
from app.funding.models import DepositRow
from app.funding.ports import CardRail, Dispute, DisputeKind, PaymentRail, PaymentRails
from app.funding.rails import rail_of
from app.funding.receivables import service as receivables
from app.funding.states import DepositStatus
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFinished
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountKey
from app.notifications import service as notifications
from app.notifications.kinds import DepositDisputed, DepositRefunded, DepositTerms
from app.outbox import service as outbox
from app.providers import queries as providers_queries

#: How long after its end a dispute is still compared with the processor's: some end again.
REVISED_WITHIN = timedelta(days=180)
_ATTEMPTS = 3

_TO_COMPARE = """
SELECT provider_ref FROM disputes
WHERE provider = %s AND kind = %s AND (status = 'open' OR closed_at >= %s) ORDER BY id
"""
_FIND = """
SELECT id, status, units, cost_units, changes FROM disputes
WHERE provider = %s AND provider_ref = %s
"""
_STATUSES = "SELECT status FROM disputes WHERE deposit_id = %s"
_INSERT = """
INSERT INTO disputes (id, deposit_id, kind, provider, provider_ref, units, cost_units, status,
    opened_at, closed_at, changes)
VALUES (%(id)s, %(deposit_id)s, %(kind)s, %(provider)s, %(provider_ref)s, %(units)s, 0, 'won',
    %(now)s, %(now)s, 0)
"""
_UPDATE = """
UPDATE disputes SET status = %(status)s, cost_units = %(cost)s, changes = %(changes)s,
    closed_at = CASE WHEN %(status)s = 'open' THEN NULL WHEN status = %(status)s THEN closed_at
        ELSE %(now)s END
WHERE id = %(id)s
"""
_ACTIONS = {
    (DisputeKind.DISPUTE, "open"): AuditAction.DISPUTE_OPENED,
    (DisputeKind.DISPUTE, "won"): AuditAction.DISPUTE_WON,
    (DisputeKind.DISPUTE, "lost"): AuditAction.DISPUTE_LOST,
    (DisputeKind.REFUND, "won"): AuditAction.REFUND_UNDONE,
    (DisputeKind.REFUND, "lost"): AuditAction.REFUND_RECORDED,
}


def handle_event(database: Database, event_id: UUID, kind: DisputeKind) -> None:
    """Follow the dispute or refund that a processor's webhook is about."""
    with database.reading() as session:
        event = providers_queries.stored_event(session, event_id)
    rail = rail_of(resolve(PaymentRails), event.provider)
    if rail is not None and isinstance(rail, CardRail):
        follow(database, rail, kind, event.subject)


@dataclass(frozen=True, slots=True)
class StoredDispute:
    """What our books say of a dispute. Without one, nothing was taken: as if it was won."""

    id: UUID
    status: str
    units: int
    cost_units: int
    #: How often its status or cost changed.
    changes: int

    def agrees(self, dispute: Dispute) -> bool:
        """Return whether the processor says the same, the amount apart."""
        return (self.status, self.cost_units) == (dispute.state, dispute.cost.units)


@dataclass(frozen=True, slots=True)
class _DisputedDeposit:
    """The disputed deposit, its row locked."""

    deposit_id: UUID
    user_id: UUID
    #: The ledger account that received the deposit.
    account: AccountKey


def refs_to_compare(session: Session, provider: str, kind: DisputeKind) -> list[str]:
    """Return the processor's ids of those that are open in our books, or ended lately."""
    since = clock.now() - REVISED_WITHIN
    return [ref for (ref,) in session.rows(_TO_COMPARE, (provider, kind, since))]


def find_dispute(
    session: Session, provider: str, provider_ref: str, *, lock: bool = False
) -> StoredDispute | None:
    """Return what our books say of a dispute or refund; None if they do not have it."""
    statement = f"{_FIND} FOR UPDATE" if lock else _FIND
    row = session.row(statement, (provider, provider_ref))
    return StoredDispute(*row) if row else None


def follow(database: Database, rail: PaymentRail, kind: DisputeKind, provider_ref: str) -> bool:
    """Fetch a dispute or refund and book its current state; return whether that was new.

    An answer that another job overtook is old, and is asked for again. Raises `NotFinished` if that
    happens over and over.
    """
    assert isinstance(rail, CardRail)
    fetch = rail.refund if kind is DisputeKind.REFUND else rail.dispute
    for _ in range(_ATTEMPTS):
        with database.reading() as session:
            stored = find_dispute(session, rail.name, provider_ref)
        dispute = fetch(provider_ref)
        with database.transaction() as session:
            outcome = apply_dispute(
                session, rail.name, rail.provider_id, dispute,
                asked_after=stored.changes if stored else 0,
            )  # fmt: skip
        if outcome is not None:
            return outcome
    raise NotFinished("The dispute changes faster than it can be read.")


def apply_dispute(
    session: Session,
    provider: str,
    provider_id: UUID,
    dispute: Dispute,
    *,
    asked_after: int | None = None,
) -> bool | None:
    """Book the state of a processor's dispute or refund; return whether anything was new.

    An inquiry has taken nothing. A dispute of an unknown payment waits until the deposit is stored.
    With `asked_after`, the number of changes in our books when the processor was asked, nothing is
    booked and None returned if there were more since.
    """
    if dispute.state == "inquiry":
        return False
    deposit = deposit_queries.lock_first_deposit(
        session,
        DepositRow.provider == provider,
        DepositRow.provider_ref == dispute.payment_ref,
        DepositRow.credited_units.is_not(None),
    )
    if deposit is None:
        return False
    limits.lock_customer_payments(session, deposit.user_id)
    stored = find_dispute(session, provider, dispute.provider_ref, lock=True)
    if asked_after is not None and asked_after != (stored.changes if stored else 0):
        return None
    if stored is not None and stored.agrees(dispute):
        return False
    account = deposits.settlement_account(deposit.method, deposit.amount, provider_id)
    disputed = _DisputedDeposit(deposit.id, deposit.user_id, account)
    if stored is None:
        stored = _insert(session, provider, dispute, disputed)
    _book(session, dispute, stored, disputed)
    return True


def _insert(
    session: Session, provider: str, dispute: Dispute, disputed: _DisputedDeposit
) -> StoredDispute:
    identifier = ids.new()
    values = {
        "id": identifier, "deposit_id": disputed.deposit_id, "kind": dispute.kind,
        "provider": provider, "provider_ref": dispute.provider_ref, "units": dispute.amount.units,
        "now": clock.now(),
    }  # fmt: skip
    session.send(_INSERT, values)
    return StoredDispute(identifier, "won", dispute.amount.units, 0, 0)


def _book(
    session: Session, dispute: Dispute, stored: StoredDispute, disputed: _DisputedDeposit
) -> None:
    """Book what changed: the debt if the money moved, the cost, the deposit's status."""
    public_id, changes = ids.encode(PREFIX, stored.id), stored.changes + 1
    amount = Amount(dispute.amount.asset, stored.units)
    values = {
        "id": stored.id, "status": dispute.state, "cost": dispute.cost.units, "changes": changes,
        "now": clock.now(),
    }  # fmt: skip
    session.send(_UPDATE, values)
    _set_deposit_status(session, disputed.deposit_id, f"{public_id} {dispute.state}")
    # What we held for a refund of ours is free now, and pays what it takes.
    is_ordered = settlement.settle(session, dispute)
    was_taken, is_taken = stored.status != "won", dispute.state != "won"
    reference = _reference(public_id, dispute.state, changes)
    if is_taken and not was_taken:
        receivables.record_receivable(
            session, disputed.user_id, reference=reference, owed=amount, taken_from=disputed.account
        )
        if not is_ordered:
            _notify(session, dispute, amount, disputed, reference)
    elif was_taken and not is_taken:
        receivables.reverse_receivable(
            session, disputed.user_id, reference=reference, amount=amount,
            returned_to=disputed.account,
        )  # fmt: skip
    late_cost = dispute.cost - Amount(dispute.cost.asset, stored.cost_units)
    if late_cost:
        _post_cost(session, _reference(public_id, "cost", changes), late_cost, disputed.account)
    if dispute.state != stored.status or not stored.changes:
        if dispute.kind is DisputeKind.DISPUTE:
            outbox.publish(session, PaymentDisputed(disputed.deposit_id, stored.id))
        _record(session, _ACTIONS[dispute.kind, dispute.state], public_id, disputed, amount)


def _reference(public_id: PublicId, what: str, changes: int) -> PublicId:
    """Return the reference of an entry about a dispute, which makes each change be booked once."""
    match what, changes:
        case ("open" | "lost", 1):
            return public_id
        case ("cost", 1) | ("won" | "lost", 2):
            return PublicId(f"{public_id}:{what}")
    return PublicId(f"{public_id}:{what}:{changes}")


def _post_cost(session: Session, reference: str, cost: Amount, account: AccountKey) -> None:
    """Book what the processor charges for a dispute; negative is given back."""
    ledger.post(
        session,
        cause="dispute_cost",
        reference=reference,
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.processing_costs(cost.asset), cost),
            ledger.credit(account, cost),
        ],
    )


def _set_deposit_status(session: Session, deposit_id: UUID, evidence: str) -> None:
    """Set the deposit's status by those of all its disputes: any open one, else any lost one."""
    statuses = {status for (status,) in session.rows(_STATUSES, (deposit_id,))}
    status = DepositStatus.CREDITED
    if "open" in statuses:
        status = DepositStatus.DISPUTED
    elif "lost" in statuses:
        status = DepositStatus.TAKEN_BACK
    deposits.set_dispute_status(session, deposit_id, status, evidence)


def _notify(
    session: Session,
    dispute: Dispute,
    amount: Amount,
    disputed: _DisputedDeposit,
    reference: PublicId,
) -> None:
    deposit_id = ids.encode(deposits.PREFIX, disputed.deposit_id)
    terms = DepositTerms(deposit_id, amount, PaymentMethod.CARD)
    owed = receivables.amount_owed(session, disputed.user_id, amount.asset)
    message: DepositDisputed | DepositRefunded = DepositDisputed(terms, owed=owed)
    if dispute.kind is DisputeKind.REFUND:
        message = DepositRefunded(terms, owed=owed)
    notifications.notify(session, message, to=disputed.user_id, event=reference)


def _record(
    session: Session,
    action: AuditAction,
    public_id: str,
    disputed: _DisputedDeposit,
    amount: Amount,
) -> None:
    audit.record(
        session,
        actor=None,
        action=action,
        subject=public_id,
        on_behalf_of=disputed.user_id,
        after={
            "deposit": ids.encode(deposits.PREFIX, disputed.deposit_id),
            "asset": amount.asset.code,
            "amount": str(amount),
        },
    )
