"""Money that comes on accounts which we gave to customers, announced or not.

What arrived is credited, whatever was announced; each arrival once, because the provider's id of it
stands in one deposit.
"""

import json
from uuid import UUID

from app.cases import service as cases
from app.funding import limits
from app.funding.deposits import service as deposits
from app.funding.ports import IncomingTransfer, IncomingTransferRails, PaymentMethod
from app.funding.receivables import service as receivables
from app.funding.states import OPEN_DEPOSITS, DepositStatus
from app.identity.accounts import queries as account_queries
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.kit.ports import resolve
from app.kit.tasks import task
from app.ledger.chart import AccountKey
from app.providers import queries as providers_queries

_INSERT_ARRIVED = """
INSERT INTO deposits (id, user_id, method, asset, credited_units, cost_units, status, provider,
    provider_ref, requested_at, opened_at, looked_at, credited_at)
VALUES (%s, %s, %s, %s, %s, 0, 'credited', %s, %s, %s, %s, %s, %s)
"""
# The oldest announcement that a payment of this kind can be.
_ANNOUNCED = """
SELECT id FROM deposits
WHERE user_id = %s AND method = %s AND asset = %s AND provider_ref IS NULL
    AND status IN ('requested', 'unknown', 'pending')
ORDER BY id LIMIT 1 FOR UPDATE
"""
_GIVE = """
INSERT INTO given_accounts (id, user_id, method, provider, account_ref, details, given_at)
VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s)
ON CONFLICT (user_id, method) DO NOTHING
"""
_GIVEN_TO = """
SELECT user_id, method FROM given_accounts WHERE provider = %s AND account_ref = %s
"""
_LOCK_BY_REF = """
SELECT id FROM deposits WHERE provider = %s AND provider_ref = %s FOR UPDATE
"""


@task("funding.look_for_arrivals", own_transactions=True, polled=True)
def fetch_transfers(database: Database, *, deposit_id: str) -> None:
    """Give the customer of an announcement an account to send to, and credit what came on it.

    Raises `ProviderUnavailable` and `ProviderOutcomeUnknown` when the next poll is to look again.
    """
    with database.transaction() as session:
        deposit = deposits.find_deposit(session, UUID(deposit_id))
        if deposit is None or deposit.status not in OPEN_DEPOSITS:
            return
        if deposits.expire_if_overdue(session, deposit):
            return
        deposits.mark_opened(session, deposit)
        person = account_queries.get_person(session, deposit.user_id)
    rail = resolve(IncomingTransferRails)[deposit.method]
    holder = f"{person.first_name} {person.last_name}"
    given = rail.virtual_account(ids.encode("usr", deposit.user_id), holder)
    arrivals = rail.transfers_to(given.account_ref)
    with database.transaction() as session:
        session.send(
            _GIVE,
            (
                ids.new(), deposit.user_id, deposit.method, rail.name, given.account_ref,
                json.dumps(dict(given.details)), clock.now(),
            ),
        )  # fmt: skip
        if deposit.status is not DepositStatus.PENDING:
            deposits.set_instructions(session, deposit, given.details)
        for arrival in arrivals:
            record_transfer(session, rail.name, rail.provider_id, arrival)


@task("funding.account_changed", own_transactions=True)
def handle_account_event(database: Database, *, event_id: str) -> None:
    """A bank says that something came, or was taken back: look at it."""
    with database.reading() as session:
        event = providers_queries.stored_event(session, UUID(event_id))
    for rail in resolve(IncomingTransferRails).values():
        if rail.name == event.provider:
            arrival = rail.transfer(event.subject)
            with database.transaction() as session:
                record_transfer(session, rail.name, rail.provider_id, arrival)


def record_transfer(
    session: Session, provider: str, provider_id: UUID, arrival: IncomingTransfer
) -> bool:
    """Credit what came on an account that we gave to somebody, once; and take it from them again
    if it was returned. What came on no account of ours opens a case. Answers whether anything was
    new."""
    row = session.row(_GIVEN_TO, (provider, arrival.account_ref))
    if row is None:
        cases.open_case(
            session,
            kind="unmatched_arrival",
            subject=arrival.provider_ref,
            key=f"{provider}:{arrival.provider_ref}",
            title="Money came on an account that belongs to nobody",
            facts={"provider": provider, "amount": f"{arrival.amount} {arrival.amount.asset.code}"},
        )
        return False
    user_id, method = row[0], PaymentMethod(row[1])
    account = deposits.settlement_account(method, arrival.amount, provider_id)
    deposit_id, is_new = credit_transfer(
        session,
        user_id,
        method,
        provider=provider,
        provider_ref=arrival.provider_ref,
        amount=arrival.amount,
        account=account,
    )
    if arrival.is_returned:
        is_new |= _reverse_credit(session, deposit_id, arrival.amount, account)
    return is_new


def credit_transfer(
    session: Session,
    user_id: UUID,
    method: PaymentMethod,
    *,
    provider: str,
    provider_ref: str,
    amount: Amount,
    account: AccountKey,
) -> tuple[UUID, bool]:
    """Credit what arrived, once; answers the deposit's id and whether it was new. It is the oldest
    one that was announced, whatever amount was, or one of its own."""
    limits.lock_customer_payments(session, user_id)
    row = session.row(_LOCK_BY_REF, (provider, provider_ref))
    if row is not None:
        return row[0], False
    announced = session.row(_ANNOUNCED, (user_id, method, amount.asset.code))
    if announced is not None:
        session.send(deposits.SET_PROVIDER_REF, (provider_ref, announced[0]))
        deposit = deposits.lock_deposit(session, announced[0])
        deposits.credit(session, deposit, amount, Amount(amount.asset, 0), account)
        return deposit.id, True
    identifier, now = ids.new(), clock.now()
    session.send(
        _INSERT_ARRIVED,
        (
            identifier, user_id, method, amount.asset.code, amount.units, provider, provider_ref,
            now, now, now, now,
        ),
    )  # fmt: skip
    deposits.record_event(session, identifier, None, DepositStatus.CREDITED, provider_ref)
    deposit = deposits.lock_deposit(session, identifier)
    deposits.post_credit(session, deposit, amount, Amount(amount.asset, 0), account)
    return identifier, True


def _reverse_credit(
    session: Session, deposit_id: UUID, amount: Amount, account: AccountKey
) -> bool:
    """The sender's bank took a credited payment back: the customer owes it. Answers whether that
    was new."""
    deposit = deposits.lock_deposit(session, deposit_id)
    if deposit.status is DepositStatus.TAKEN_BACK:
        return False
    receivables.record_receivable(
        session, deposit.user_id, reference=f"{deposit.public_id}:returned", owed=amount,
        taken_from=account,
    )  # fmt: skip
    deposits.transition(session, deposit, DepositStatus.TAKEN_BACK)
    deposits.notify_customer(session, deposit, "deposit_disputed", amount, owed=str(amount))
    receivables.collect(session, deposit.user_id, amount.asset)
    return True
