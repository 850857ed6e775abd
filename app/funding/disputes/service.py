"""The verbs of disputes: a taken-back deposit is owed at once, and credited again if we win."""

from dataclasses import dataclass
from uuid import UUID

from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import PaymentMethod
from app.funding import limits
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.models import DepositRow
from app.funding.ports import CardRail, Dispute, PaymentRails
from app.funding.rails import rail_of
from app.funding.receivables import service as receivables
from app.funding.states import DepositStatus
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountKey
from app.notifications import service as notifications
from app.notifications.kinds import DepositDisputed, DepositTerms
from app.providers import queries as providers_queries

PREFIX = "dsp"
_OPEN = "SELECT provider_ref FROM disputes WHERE provider = %s AND status = 'open' ORDER BY id"
_FIND = """
SELECT id, status FROM disputes WHERE provider = %s AND provider_ref = %s
FOR UPDATE
"""
_INSERT = """
INSERT INTO disputes (id, deposit_id, provider, provider_ref, units, cost_units, status, opened_at)
VALUES (%s, %s, %s, %s, %s, %s, 'open', %s)
"""
_CLOSE = "UPDATE disputes SET status = %s, closed_at = %s WHERE id = %s"


def handle_dispute_event(database: Database, event_id: UUID) -> None:
    """Fetch and apply the dispute that a processor's webhook is about."""
    with database.reading() as session:
        event = providers_queries.stored_event(session, event_id)
    rail = rail_of(resolve(PaymentRails), event.provider)
    if rail is not None and isinstance(rail, CardRail):
        dispute = rail.dispute(event.subject)
        with database.transaction() as session:
            apply_dispute(session, rail.name, rail.provider_id, dispute)


@dataclass(frozen=True, slots=True)
class _DisputedDeposit:
    """The disputed deposit, its row locked."""

    deposit_id: UUID
    user_id: UUID
    #: The ledger account that received the deposit.
    account: AccountKey


def open_dispute_refs(session: Session, provider: str) -> list[str]:
    """Return the processor's ids of our open disputes."""
    return [ref for (ref,) in session.rows(_OPEN, (provider,))]


def apply_dispute(session: Session, provider: str, provider_id: UUID, dispute: Dispute) -> bool:
    """Book the current state of a processor's dispute, each step once; return whether any was new.

    An inquiry has taken nothing. A dispute of an unknown payment waits until the deposit is stored.
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
    account = deposits.settlement_account(deposit.method, deposit.amount, provider_id)
    disputed = _DisputedDeposit(deposit.id, deposit.user_id, account)
    stored = session.row(_FIND, (provider, dispute.provider_ref))
    identifier, status = stored or (_open(session, provider, dispute, disputed), "open")
    ends = status == "open" and dispute.state != "open"
    if ends:
        _close(session, dispute, identifier, disputed)
    return stored is None or ends


def _open(session: Session, provider: str, dispute: Dispute, disputed: _DisputedDeposit) -> UUID:
    identifier, now = ids.new(), clock.now()
    public_id = ids.encode(PREFIX, identifier)
    session.send(
        _INSERT,
        (
            identifier, disputed.deposit_id, provider, dispute.provider_ref, dispute.amount.units,
            dispute.cost.units, now,
        ),
    )  # fmt: skip
    receivables.record_receivable(
        session,
        disputed.user_id,
        reference=public_id,
        owed=dispute.amount,
        taken_from=disputed.account,
    )
    if dispute.cost:
        ledger.post(
            session,
            cause="dispute_cost",
            reference=f"{public_id}:cost",
            posted_at=now,
            postings=[
                ledger.debit(chart.processing_costs(dispute.cost.asset), dispute.cost),
                ledger.credit(disputed.account, dispute.cost),
            ],
        )
    deposits.set_dispute_status(session, disputed.deposit_id, DepositStatus.DISPUTED, public_id)
    _record(session, AuditAction.DISPUTE_OPENED, public_id, disputed, dispute)
    terms = DepositTerms(
        ids.encode(deposits.PREFIX, disputed.deposit_id), dispute.amount, PaymentMethod.CARD
    )
    owed = receivables.amount_owed(session, disputed.user_id, dispute.amount.asset)
    message = DepositDisputed(terms, owed=owed)
    notifications.notify(session, message, to=disputed.user_id, event=public_id)
    return identifier


def _close(
    session: Session, dispute: Dispute, identifier: UUID, disputed: _DisputedDeposit
) -> None:
    public_id = ids.encode(PREFIX, identifier)
    session.send(_CLOSE, (dispute.state, clock.now(), identifier))
    if dispute.state == "won":
        receivables.reverse_receivable(
            session, disputed.user_id, reference=f"{public_id}:won", amount=dispute.amount,
            returned_to=disputed.account,
        )  # fmt: skip
        deposits.set_dispute_status(
            session, disputed.deposit_id, DepositStatus.CREDITED, f"{public_id} won"
        )
    else:
        deposits.set_dispute_status(
            session, disputed.deposit_id, DepositStatus.TAKEN_BACK, f"{public_id} lost"
        )
    _record(session, AuditAction(f"dispute.{dispute.state}"), public_id, disputed, dispute)


def _record(
    session: Session,
    action: AuditAction,
    public_id: str,
    disputed: _DisputedDeposit,
    dispute: Dispute,
) -> None:
    audit.record(
        session,
        actor=None,
        action=action,
        subject=public_id,
        on_behalf_of=disputed.user_id,
        after={
            "deposit": ids.encode(deposits.PREFIX, disputed.deposit_id),
            "asset": dispute.amount.asset.code,
            "amount": str(dispute.amount),
        },
    )
