"""The background tasks of funding."""

from uuid import UUID

from app.catalog.rules import TRADABLE
from app.custody.facts import SendSettled, TokensArrived
from app.funding import custody_rail, poll
from app.funding.card_refunds import service as card_refunds
from app.funding.deposits import incoming_transfers, payments
from app.funding.disputes import service as disputes
from app.funding.ports import (
    DisputeChanged,
    DisputeKind,
    IncomingTransferChanged,
    PaymentChanged,
    PayoutChanged,
    RefundChanged,
)
from app.funding.receivables import service as receivables
from app.funding.withdrawals import payouts, sanctions_decisions
from app.funding.withdrawals import service as withdrawals
from app.kit.db import Database, Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.kit.tasks import Queue, task
from app.screening.facts import ScreeningDecided


@task("funding.poll", queue=Queue.PAYMENTS)
def poll_payments(session: Session) -> None:
    """Stage the check of every open deposit and withdrawal."""
    poll.poll_payments(session)


@task("funding.advance_deposit", queue=Queue.PAYMENTS, own_transactions=True, polled=True)
def advance_deposit(database: Database, *, deposit_id: str) -> None:
    """Create, capture or check the payment of a deposit at its provider."""
    payments.advance(database, UUID(deposit_id))


@task("funding.release_payment", queue=Queue.PAYMENTS, own_transactions=True)
def release_payment(database: Database, *, deposit_id: str) -> None:
    """Release the payment of a cancelled deposit at its provider. No poll checks it again, so it is
    tried until the provider has answered."""
    payments.advance(database, UUID(deposit_id))


@task("funding.refund_card", queue=Queue.PAYMENTS, own_transactions=True, polled=True)
def advance_card_refund(database: Database, *, refund_id: str) -> None:
    """Give a part of a card payment back to its card, or learn whether an earlier try did."""
    card_refunds.advance(database, UUID(refund_id))


@task("funding.look_for_arrivals", queue=Queue.PAYMENTS, own_transactions=True, polled=True)
def fetch_transfers(database: Database, *, deposit_id: str) -> None:
    """Give the customer a virtual account, and credit transfers to it."""
    incoming_transfers.fetch_transfers(database, UUID(deposit_id))


@task("funding.give_address", queue=Queue.PAYMENTS)
def share_deposit_address(session: Session, *, deposit_id: str) -> None:
    """Give the customer the wallet address to send to."""
    custody_rail.share_deposit_address(session, UUID(deposit_id))


@task("funding.send_withdrawal", queue=Queue.PAYMENTS, own_transactions=True, polled=True)
def advance_withdrawal(database: Database, *, withdrawal_id: str) -> None:
    """Send a withdrawal, or learn the outcome of an earlier attempt."""
    payouts.advance(database, UUID(withdrawal_id))


@task("funding.review_withdrawal", queue=Queue.PAYMENTS)
def review_withdrawal(session: Session, *, withdrawal_id: str) -> None:
    """Screen the payee of a withdrawal in review again."""
    withdrawals.review(session, UUID(withdrawal_id))


@task("funding.payment_changed", queue=Queue.PAYMENTS, own_transactions=True, on=PaymentChanged)
def handle_payment_event(database: Database, *, event_id: str) -> None:
    """Stage the check of the deposit that a webhook is about."""
    payments.handle_payment_event(database, UUID(event_id))


@task("funding.dispute_changed", queue=Queue.PAYMENTS, own_transactions=True, on=DisputeChanged)
def handle_dispute_event(database: Database, *, event_id: str) -> None:
    """Fetch and apply the dispute that a webhook is about."""
    disputes.handle_event(database, UUID(event_id), DisputeKind.DISPUTE)


@task("funding.refund_changed", queue=Queue.PAYMENTS, own_transactions=True, on=RefundChanged)
def handle_refund_event(database: Database, *, event_id: str) -> None:
    """Fetch and apply the refund that a webhook is about."""
    disputes.handle_event(database, UUID(event_id), DisputeKind.REFUND)


@task(
    "funding.account_changed",
    queue=Queue.PAYMENTS,
    own_transactions=True,
    on=IncomingTransferChanged,
)
def handle_account_event(database: Database, *, event_id: str) -> None:
    """Fetch and record the incoming transfer that a webhook is about."""
    incoming_transfers.handle_account_event(database, UUID(event_id))


@task("funding.payout_changed", queue=Queue.PAYMENTS, own_transactions=True, on=PayoutChanged)
def handle_payout_event(database: Database, *, event_id: str) -> None:
    """Check the withdrawal that a webhook is about."""
    payouts.handle_payout_event(database, UUID(event_id))


@task("funding.debt_collected", queue=Queue.PAYMENTS)
def record_collection(
    session: Session, *, user_id: str, asset: str, units: int, reference: str, because_of: str
) -> None:
    """Record what the ledger collected for a customer's debt. The ledger's own functions in the
    database stage this job."""
    receivables.record_collection(
        session,
        UUID(user_id),
        collected=Amount(TRADABLE[asset], units),
        reference=PublicId(reference),
        because_of=because_of,
    )


@task("funding.credit_arrival", queue=Queue.PAYMENTS, on=TokensArrived)
def credit_token_deposit(session: Session, *, arrival_id: str) -> None:
    """Credit an incoming token transfer."""
    custody_rail.credit_token_deposit(session, UUID(arrival_id))


@task("funding.settle_send", queue=Queue.PAYMENTS, own_transactions=True, on=SendSettled)
def settle_withdrawal(database: Database, *, reference: str) -> None:
    """Settle the withdrawal whose send was settled."""
    custody_rail.settle_withdrawal(database, reference)


@task("funding.screening_decided", queue=Queue.PAYMENTS, on=ScreeningDecided)
def handle_screening_decision(
    session: Session,
    *,
    about: str,
    person_id: str | None,  # noqa: ARG001 - part of the decision
    verdict: str,  # noqa: ARG001 - the payee is screened again: other hits may be undecided
    case_id: str | None = None,
) -> None:
    """Review the withdrawal that a sanctions decision is about."""
    sanctions_decisions.handle_screening_decision(
        session, about, UUID(case_id) if case_id is not None else None
    )
