"""Bank transfers to the virtual accounts of customers, announced or not.

The amount that arrived is credited, whatever was announced. Each transfer is credited once, because
only one deposit can bear the provider's id of it.
"""

import json
from uuid import UUID

from app.cases import service as cases
from app.catalog.rules import PaymentMethod
from app.funding import limits
from app.funding.deposits import service as deposits
from app.funding.ports import IncomingTransfer, IncomingTransferRails
from app.funding.rails import rail_of
from app.funding.receivables import service as receivables
from app.funding.states import OPEN_DEPOSITS, DepositStatus
from app.identity.accounts import queries as account_queries
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger.chart import AccountKey
from app.notifications.kinds import DepositDisputed
from app.providers import queries as providers_queries

_INSERT_CREDITED = """
INSERT INTO deposits (id, user_id, method, asset, credited_units, cost_units, status, provider,
    provider_ref, requested_at, opened_at, looked_at, credited_at)
VALUES (%s, %s, %s, %s, %s, 0, 'credited', %s, %s, %s, %s, %s, %s)
"""
# The oldest announcement that a transfer by this method and in this asset can belong to.
_LOCK_ANNOUNCED = """
SELECT id FROM deposits
WHERE user_id = %s AND method = %s AND asset = %s AND provider_ref IS NULL
    AND status IN ('requested', 'unknown', 'pending')
ORDER BY id LIMIT 1 FOR UPDATE
"""
_INSERT_VIRTUAL_ACCOUNT = """
INSERT INTO given_accounts (id, user_id, method, provider, account_ref, details, given_at)
VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s)
ON CONFLICT (user_id, method) DO NOTHING
"""
_FIND_OWNER = """
SELECT user_id, method FROM given_accounts WHERE provider = %s AND account_ref = %s
"""
_LOCK_BY_REF = """
SELECT id FROM deposits WHERE provider = %s AND provider_ref = %s FOR UPDATE
"""


def fetch_transfers(database: Database, deposit_id: UUID) -> None:
    """Give the customer who announced a deposit a virtual account, and credit transfers to it.

    Raises `ProviderUnavailable` and `ProviderOutcomeUnknown`; the next poll tries again.
    """
    with database.transaction() as session:
        deposit = deposits.find_deposit(session, deposit_id)
        if deposit is None or deposit.status not in OPEN_DEPOSITS:
            return
        if deposits.expire_if_overdue(session, deposit):
            return
        deposits.mark_opened(session, deposit)
        person = account_queries.get_person(session, deposit.user_id)
    rail = resolve(IncomingTransferRails)[deposit.method]
    holder = f"{person.first_name} {person.last_name}"
    virtual_account = rail.virtual_account(ids.encode("usr", deposit.user_id), holder)
    transfers = rail.transfers_to(virtual_account.account_ref)
    with database.transaction() as session:
        session.send(
            _INSERT_VIRTUAL_ACCOUNT,
            (
                ids.new(), deposit.user_id, deposit.method, rail.name, virtual_account.account_ref,
                json.dumps(dict(virtual_account.details)), clock.now(),
            ),
        )  # fmt: skip
        if deposit.status is not DepositStatus.PENDING:
            deposits.set_instructions(session, deposit, virtual_account.details)
        for transfer in transfers:
            record_transfer(session, rail.name, rail.provider_id, transfer)


def handle_account_event(database: Database, event_id: UUID) -> None:
    """Fetch and record the transfer that a bank's webhook is about."""
    with database.reading() as session:
        event = providers_queries.stored_event(session, event_id)
    rail = rail_of(resolve(IncomingTransferRails), event.provider)
    if rail is not None:
        transfer = rail.transfer(event.subject)
        with database.transaction() as session:
            record_transfer(session, rail.name, rail.provider_id, transfer)


def record_transfer(
    session: Session, provider: str, provider_id: UUID, transfer: IncomingTransfer
) -> bool:
    """Credit a transfer to a customer's virtual account once, or reverse it if it was returned.

    A transfer to an unknown account opens a case. Returns whether anything was new.
    """
    row = session.row(_FIND_OWNER, (provider, transfer.account_ref))
    if row is None:
        cases.open_case(
            session,
            kind="unmatched_arrival",
            subject=transfer.provider_ref,
            key=f"{provider}:{transfer.provider_ref}",
            title="Incoming transfer to an unknown account",
            facts={
                "provider": provider,
                "amount": format_amount(transfer.amount),
            },
        )
        return False
    user_id, method_name = row
    method = PaymentMethod(method_name)
    account = deposits.settlement_account(method, transfer.amount, provider_id)
    deposit_id, is_new = credit_transfer(
        session,
        user_id,
        method,
        provider=provider,
        provider_ref=transfer.provider_ref,
        amount=transfer.amount,
        account=account,
    )
    if transfer.is_returned:
        is_new |= _reverse_credit(session, deposit_id, transfer.amount, account)
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
    """Credit an incoming transfer once; return the deposit's id and whether it was new.

    The deposit is the oldest announcement, whatever its amount, or else a new one.
    """
    limits.lock_customer_payments(session, user_id)
    credited_id = session.optional_value(_LOCK_BY_REF, (provider, provider_ref))
    if credited_id is not None:
        return credited_id, False
    announced_id = session.optional_value(_LOCK_ANNOUNCED, (user_id, method, amount.asset.code))
    if announced_id is not None:
        session.send(deposits.SET_PROVIDER_REF, (provider_ref, announced_id))
        deposit = deposits.lock_deposit(session, announced_id)
        deposits.credit(session, deposit, amount, Amount(amount.asset, 0), account)
        return deposit.id, True
    identifier, now = ids.new(), clock.now()
    session.send(
        _INSERT_CREDITED,
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
    """Charge the customer for a credited transfer that the sender's bank took back.

    Returns whether that was new.
    """
    deposit = deposits.lock_deposit(session, deposit_id)
    if deposit.status is DepositStatus.TAKEN_BACK:
        return False
    receivables.record_receivable(
        session, deposit.user_id, reference=f"{deposit.public_id}:returned", owed=amount,
        taken_from=account,
    )  # fmt: skip
    deposits.transition(session, deposit, DepositStatus.TAKEN_BACK)
    disputed = DepositDisputed(deposit.terms(amount), owed=amount)
    deposits.notify_customer(session, deposit, disputed)
    receivables.collect(session, deposit.user_id, amount.asset)
    return True
