"""Tokens: what came in at a custodian is credited, and what goes out is sent by one of them.

Custody looks after addresses, arrivals and sends; here they become deposits and withdrawals. A
deposit's `provider_ref` is the custodian's name and its id of the transfer.
"""

from datetime import datetime, timedelta
from uuid import UUID

from app.custody import addresses
from app.custody import queries as custody_queries
from app.custody import service as custody
from app.custody.ports import Custodians, Direction, Network, TransferState
from app.custody.queries import SendStatus
from app.custody.rules import SendState
from app.funding.deposits import service as deposits
from app.funding.deposits.incoming_transfers import credit_transfer
from app.funding.ports import PaymentMethod, Payout, PayoutOrder, PayoutState
from app.funding.states import OPEN_DEPOSITS
from app.funding.withdrawals import payouts
from app.funding.withdrawals import service as withdrawals
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.money import Asset
from app.kit.ports import resolve
from app.kit.tasks import JobClaimedElsewhere, task
from app.ledger import chart
from app.outbox import service as outbox
from app.providers.errors import ProviderOutcomeUnknown

_STATES = {
    SendState.ACCEPTED: PayoutState.SENT,
    SendState.COMPLETED: PayoutState.COMPLETED,
    SendState.FAILED: PayoutState.FAILED,
    SendState.REFUSED: PayoutState.FAILED,
}
_LISTED = {
    TransferState.PENDING: PayoutState.SENT,
    TransferState.COMPLETED: PayoutState.COMPLETED,
    TransferState.FAILED: PayoutState.FAILED,
}


@task("funding.give_address")
def share_deposit_address(session: Session, *, deposit_id: str) -> None:
    """Tell the customer of an announcement where to send to, once a custodian has given an address;
    until then the poll asks again."""
    deposit = deposits.find_deposit(session, UUID(deposit_id))
    if deposit is None or deposit.status not in OPEN_DEPOSITS:
        return
    if deposits.expire_if_overdue(session, deposit):
        return
    deposits.mark_opened(session, deposit)
    asset: Asset = deposit.requested_amount.asset
    given = addresses.get_or_request_address(session, deposit.user_id, asset)
    if given.address is not None:
        told = {"asset": asset.code, "network": given.network, "address": given.address}
        deposits.set_instructions(session, deposit, told)
    elif deposit.opened_at is None:
        # It is asked for in this moment, and mostly there in the next.
        soon = clock.now() + timedelta(seconds=2)
        outbox.stage(session, "funding.give_address", {"deposit_id": deposit_id}, not_before=soon)


@task("funding.credit_arrival")
def credit_token_deposit(session: Session, *, arrival_id: str) -> None:
    """Credit what came, once."""
    came = custody_queries.incoming_transfer(session, UUID(arrival_id))
    reference = f"{came.custodian}:{came.provider_ref}"
    assert came.user_id is not None, "custody looks into what came to nobody"
    credit_transfer(
        session,
        came.user_id,
        PaymentMethod.CRYPTO,
        provider=CustodyRail.name,
        provider_ref=reference,
        amount=came.amount,
        account=chart.custody(came.amount.asset, came.provider_id),
    )


@task("funding.settle_send", own_transactions=True)
def settle_withdrawal(database: Database, *, reference: str) -> None:
    """A send is over: so is its withdrawal."""
    payouts.advance(database, withdrawal_id=str(ids.decode(withdrawals.PREFIX, reference)))


class CustodyRail:
    """Pays out tokens by whichever custodian is there, as app/custody decides."""

    name = "custody"

    def __init__(self, database: Database) -> None:
        self._database = database

    def send(self, order: PayoutOrder) -> Payout:
        """As the port says. `ProviderOutcomeUnknown` also while no custodian has it: custody goes
        on with it by itself, so nobody may take it back as if it had not been sent."""
        try:
            status = custody.send(
                self._database,
                reference=order.reference,
                asset=order.amount.asset,
                units=order.amount.units,
                address=order.destination["address"],
                network=Network(order.destination["network"]),
            )
        except JobClaimedElsewhere:
            raise ProviderOutcomeUnknown("another process is at it") from None
        payout = _payout(status)
        if payout is None:
            raise ProviderOutcomeUnknown("no custodian has taken it yet")
        return payout

    def find(self, reference: str) -> Payout | None:
        """As the port says: a send that no custodian has is not known."""
        try:
            return _payout(custody.settle(self._database, reference))
        except NotFound:
            return None
        except JobClaimedElsewhere:
            raise ProviderOutcomeUnknown("another process is at it") from None

    def payouts(self, since: datetime) -> list[Payout]:
        """What the custodians list, of what bears a reference of ours."""
        return [
            Payout(
                each.provider_ref,
                each.reference,
                _LISTED[each.state],
                each.amount,
                custodian.provider_id,
            )
            for custodian in resolve(Custodians).values()
            for each in custodian.transfers(since, Direction.OUT)
        ]


def _payout(status: SendStatus) -> Payout | None:
    if status.state is SendState.PLANNED:
        return None
    if status.state not in _STATES or status.provider_id is None:
        raise ProviderOutcomeUnknown(f"the send is {status.state}")
    return Payout(
        status.provider_ref or "",
        status.reference,
        _STATES[status.state],
        status.amount,
        status.provider_id,
        status.cost,
        status.code,
        status.tx_hash,
    )
