"""The rail for tokens: custody's incoming transfers become deposits, and payouts become its sends.

The `provider_ref` of such a deposit is the custodian's name and its id of the transfer.
"""

from datetime import datetime, timedelta
from uuid import UUID

from app.catalog.rules import PaymentMethod
from app.custody import addresses
from app.custody import queries as custody_queries
from app.custody import service as custody
from app.custody.ports import Custodians, Direction, Network, TransferState
from app.custody.queries import SendStatus
from app.custody.rules import SendState
from app.funding.deposits import announcements
from app.funding.deposits import service as deposits
from app.funding.deposits.incoming_transfers import credit_transfer
from app.funding.ports import Payout, PayoutOrder, PayoutState
from app.funding.withdrawals import payouts
from app.funding.withdrawals import service as withdrawals
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid, NotFound
from app.kit.money import Asset
from app.kit.ports import resolve
from app.kit.tasks import JobClaimedElsewhere
from app.ledger import chart
from app.outbox import service as outbox
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused
from app.providers.ports import Listing, SetAsideRow

_STATES_SENT = {
    SendState.ACCEPTED: PayoutState.SENT,
    SendState.COMPLETED: PayoutState.COMPLETED,
    SendState.FAILED: PayoutState.FAILED,
    SendState.REFUSED: PayoutState.FAILED,
}
_STATES_LISTED = {
    TransferState.PENDING: PayoutState.SENT,
    TransferState.COMPLETED: PayoutState.COMPLETED,
    TransferState.FAILED: PayoutState.FAILED,
}


def share_deposit_address(session: Session, deposit_id: UUID) -> None:
    """Give the customer who announced a deposit the wallet address to send to.

    Until a custodian has assigned one, the poll tries again.
    """
    deposit = announcements.open_announcement(session, deposit_id)
    if deposit is None:
        return
    asset: Asset = deposit.requested_amount.asset
    deposit_address = addresses.get_or_request_address(session, deposit.user_id, asset)
    if deposit_address.address is not None:
        instructions = {
            "asset": asset.code,
            "network": deposit_address.network,
            "address": deposit_address.address,
        }
        deposits.set_instructions(session, deposit.id, instructions)
    elif deposit.opened_at is None:
        # The address was requested just now, and is usually ready within two seconds.
        soon = clock.now() + timedelta(seconds=2)
        outbox.stage(
            session, "funding.give_address", {"deposit_id": str(deposit_id)}, not_before=soon
        )


def credit_token_deposit(session: Session, arrival_id: UUID) -> None:
    """Credit an incoming token transfer, once."""
    transfer = custody_queries.incoming_transfer(session, arrival_id)
    reference = f"{transfer.custodian}:{transfer.provider_ref}"
    assert transfer.user_id is not None, "custody opens a case for a transfer without an owner"
    credit_transfer(
        session,
        transfer.user_id,
        PaymentMethod.CRYPTO,
        provider=CustodyRail.name,
        provider_ref=reference,
        amount=transfer.amount,
        account=chart.custody(transfer.amount.asset, transfer.provider_id),
    )


def settle_withdrawal(database: Database, reference: str) -> None:
    """Settle the withdrawal whose send was settled."""
    payouts.advance(database, ids.decode(withdrawals.PREFIX, reference))


class CustodyRail:
    """A `PayoutRail` for tokens, by the custodian that custody chooses."""

    name = "custody"

    def __init__(self, database: Database) -> None:
        self._database = database

    def send(self, order: PayoutOrder) -> Payout:
        """Send as the port says.

        Raises `ProviderOutcomeUnknown` also while no custodian has accepted the send: custody keeps
        trying, so the withdrawal may not be cancelled as if it had not been sent. Raises
        `ProviderRefused` for an address to which nothing may be sent.
        """
        try:
            status = custody.send(
                self._database,
                reference=order.reference,
                asset=order.amount.asset,
                units=order.amount.units,
                address=order.destination["address"],
                network=Network(order.destination["network"]),
            )
        except Invalid as refusal:
            raise ProviderRefused("address_not_payable", refusal.message) from None
        except JobClaimedElsewhere:
            raise ProviderOutcomeUnknown("another process handles the send") from None
        payout = _payout(status)
        if payout is None:
            raise ProviderOutcomeUnknown("no custodian has accepted the send yet")
        return payout

    def find(self, reference: str) -> Payout | None:
        """Find as the port says; None for a send that no custodian has."""
        try:
            return _payout(custody.settle(self._database, reference))
        except NotFound:
            return None
        except JobClaimedElsewhere:
            raise ProviderOutcomeUnknown("another process handles the send") from None

    def payouts(self, since: datetime) -> Listing[Payout]:
        """Return the outgoing transfers that the custodians list."""
        payouts: list[Payout] = []
        set_aside: list[SetAsideRow] = []
        for custodian in resolve(Custodians).values():
            transfers = custodian.transfers(since, Direction.OUT)
            payouts += [
                Payout(
                    transfer.provider_ref,
                    transfer.reference,
                    _STATES_LISTED[transfer.state],
                    transfer.amount,
                    custodian.provider_id,
                    transfer.cost,
                )
                for transfer in transfers
            ]
            set_aside += transfers.set_aside
        return Listing(payouts, set_aside)


def _payout(status: SendStatus) -> Payout | None:
    if status.state is SendState.PLANNED:
        return None
    if status.state not in _STATES_SENT or status.provider_id is None:
        raise ProviderOutcomeUnknown(f"the send is {status.state}")
    return Payout(
        status.provider_ref or "",
        status.reference,
        _STATES_SENT[status.state],
        status.amount,
        status.provider_id,
        status.cost,
        status.code,
        status.tx_hash,
    )
