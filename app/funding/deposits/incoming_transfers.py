"""Bank transfers to the virtual accounts of customers, announced or not.

The amount that arrived is credited, whatever was announced. Each transfer is credited once, because
only one deposit can bear the provider's id of it.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from app.cases import service as cases
from app.catalog.rules import PaymentMethod
from app.funding import fees, limits
from app.funding.deposits import announcements
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.deposits.queries import Deposit, LockedDeposit
from app.funding.models import DepositRow, VirtualAccountRow
from app.funding.ports import IncomingTransfer, IncomingTransferRails, VirtualAccount
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

_INSERT_VIRTUAL_ACCOUNT = """
INSERT INTO given_accounts (id, user_id, method, provider, account_ref, details, given_at)
VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s)
ON CONFLICT (user_id, method) DO NOTHING
"""
_FIND_OWNER = """
SELECT user_id, method FROM given_accounts WHERE provider = %s AND account_ref = %s
"""


def fetch_transfers(database: Database, deposit_id: UUID) -> None:
    """Give the customer who announced a deposit a virtual account, and credit transfers to it.

    All that the customer announced count as checked: a bank is asked for an account, not for each
    announcement, and not at all for one whose account is known and was looked at before. Raises
    `ProviderUnavailable` and `ProviderOutcomeUnknown`; the next poll tries again.
    """
    with database.transaction() as session:
        announced = announcements.open_announcements(session, deposit_id)
        if not announced:
            return
        [deposit, *_] = announced
        rail = resolve(IncomingTransferRails)[deposit.method]
        virtual_account = _find_virtual_account(session, deposit, rail.name)
        if virtual_account is not None and _share(session, announced, virtual_account):
            return
        person = account_queries.get_person(session, deposit.user_id)
    if virtual_account is None:
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
        _share(session, announced, virtual_account)
        for transfer in transfers:
            record_transfer(session, rail.name, rail.provider_id, transfer)


def _find_virtual_account(
    session: Session, deposit: Deposit, provider: str
) -> VirtualAccount | None:
    """Return the virtual account that the bank gave the customer before."""
    table = VirtualAccountRow
    select = sa.select(table.account_ref, table.details).where(
        table.user_id == deposit.user_id,
        table.method == deposit.method,
        table.provider == provider,
    )
    return session.find(VirtualAccount, select)


def _share(session: Session, announced: Sequence[Deposit], virtual_account: VirtualAccount) -> bool:
    """Tell the customer how to pay what they have announced since; return whether there was any."""
    new = [each for each in announced if each.status is not DepositStatus.PENDING]
    for deposit in new:
        deposits.set_instructions(session, deposit.id, virtual_account.details)
    return bool(new)


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
    deposit, is_new = credit_transfer(
        session,
        user_id,
        method,
        provider=provider,
        provider_ref=transfer.provider_ref,
        amount=transfer.amount,
        account=account,
    )
    if transfer.is_returned:
        is_new |= _reverse_credit(session, deposit.id, transfer.amount, account)
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
) -> tuple[LockedDeposit, bool]:
    """Credit an incoming transfer once; return its deposit and whether it was new.

    The deposit is the oldest announcement of just this amount, else the oldest of any amount, else
    a new one.
    """
    limits.lock_customer_payments(session, user_id)
    lock_first, table = deposit_queries.lock_first_deposit, DepositRow
    credited = lock_first(session, table.provider == provider, table.provider_ref == provider_ref)
    if credited is not None:
        return credited, False
    cost = Amount(amount.asset, 0)
    waiting = (
        table.user_id == user_id,
        table.method == method,
        table.asset == amount.asset.code,
        table.provider_ref.is_(None),
        table.status.in_(sorted(OPEN_DEPOSITS)),
    )
    announced = lock_first(session, *waiting, table.asked_units == amount.units)
    announced = announced or lock_first(session, *waiting)
    if announced is not None:
        announced = replace(announced, provider_ref=provider_ref)
        deposits.credit(session, announced, amount, cost, account)
        return announced, True
    now = clock.now()
    deposit = deposits.insert_deposit(
        session,
        DepositStatus.CREDITED,
        id=ids.new(),
        user_id=user_id,
        method=method,
        asset=amount.asset.code,
        credited_units=amount.units,
        usd_units=limits.usd_value(session, amount).units,
        cost_units=cost.units,
        fee_units=fees.fee_on_arrival(session, method, amount).units,
        provider=provider,
        provider_ref=provider_ref,
        requested_at=now,
        opened_at=now,
        looked_at=now,
        credited_at=now,
    )
    deposits.post_credit(session, deposit, amount, cost, account)
    return deposit, True


def _reverse_credit(
    session: Session, deposit_id: UUID, amount: Amount, account: AccountKey
) -> bool:
    """Charge the customer for a credited transfer that the sender's bank took back.

    Returns whether that was new.
    """
    deposit = deposit_queries.lock_deposit(session, deposit_id)
    if deposit.status is DepositStatus.TAKEN_BACK:
        return False
    receivables.record_receivable(
        session, deposit.user_id, reference=f"{deposit.public_id}:returned", owed=amount,
        taken_from=account,
    )  # fmt: skip
    deposits.transition(session, deposit, DepositStatus.TAKEN_BACK)
    owed = receivables.amount_owed(session, deposit.user_id, amount.asset)
    deposits.notify_customer(session, deposit, DepositDisputed(deposit.terms(amount), owed=owed))
    return True
