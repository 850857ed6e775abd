"""Tokens: deposits at the addresses that custodians gave us, withdrawals through custodians.

Custody notes what came, once, and sees to it that a send goes out once; here that becomes a
customer's money. Custodians are one rail, and each keeps what came to it: arrivals and payouts say
which one.
"""

from datetime import datetime
from uuid import UUID

from app.catalog.rules import PAXG
from app.custody import addresses, queries, service
from app.custody import arrivals as custody_arrivals
from app.custody.ports import Custodians, Direction, Network, Transfer, TransferState
from app.custody.queries import SendStatus
from app.custody.rules import SendState
from app.funding import arrivals, payouts, withdrawals
from app.funding.ports import Arrival, GivenAccount, Payout, PayoutOrder, PayoutState
from app.kit import ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.kit.tasks import InOtherHands, task
from app.ledger.chart import HOUSE
from app.providers.errors import OutcomeUnknown

NAME = "custody"
_SENT = {
    SendState.ACCEPTED: PayoutState.SENT,
    SendState.COMPLETED: PayoutState.COMPLETED,
    SendState.FAILED: PayoutState.FAILED,
    SendState.REFUSED: PayoutState.FAILED,
}
_TRANSFERRED = {
    TransferState.PENDING: PayoutState.SENT,
    TransferState.COMPLETED: PayoutState.COMPLETED,
    TransferState.FAILED: PayoutState.FAILED,
}


class CryptoRail:
    """An `ArrivalRail` and a `PayoutRail` over every custodian.

    A person has one address, which takes every token of its network.
    """

    name = NAME
    provider_id = HOUSE

    def __init__(self, database: Database) -> None:
        self._database = database

    def account(self, reference: str, holder: str) -> GivenAccount:
        del holder  # an address bears no name
        user_id = ids.decode("usr", reference)
        with self._database.transaction() as session:
            asked = addresses.address_for(session, user_id, PAXG)
        if asked.address is None:
            addresses.make_address(self._database, address_id=str(asked.id))
            with self._database.transaction() as session:
                asked = addresses.address_for(session, user_id, PAXG)
        if asked.address is None:
            raise OutcomeUnknown("the address is being made")
        return GivenAccount(
            asked.address, {"network": asked.network.value, "address": asked.address}
        )

    def arrivals(self, account_ref: str) -> list[Arrival]:
        with self._database.reading() as session:
            return [_arrival(each) for each in queries.arrivals_at(session, account_ref)]

    def all_arrivals(self, since: datetime) -> list[Arrival]:
        """As the custodians list them now; what they list and we had not noted is noted."""
        for custodian in resolve(Custodians).values():
            came = custodian.transfers(since, Direction.IN)
            with self._database.transaction() as session:
                custody_arrivals.take(session, custodian, came)
        with self._database.reading() as session:
            return [_arrival(each) for each in queries.arrivals_since(session, since)]

    def arrival(self, provider_ref: str) -> Arrival:
        with self._database.reading() as session:
            return _arrival(queries.arrival(session, UUID(provider_ref)))

    def send(self, order: PayoutOrder) -> Payout:
        """Raises `OutcomeUnknown` as long as a custodian may send it: also while it is only
        planned, for custody goes on with it by itself."""
        try:
            return _payout(
                service.send(
                    self._database,
                    reference=order.reference,
                    asset=order.amount.asset,
                    units=order.amount.units,
                    address=order.destination["address"],
                    network=Network(order.destination["network"]),
                )
            )
        except InOtherHands:
            raise OutcomeUnknown("another process is at it") from None

    def find(self, reference: str) -> Payout | None:
        try:
            return _payout(service.settle(self._database, reference))
        except NotFound:
            return None
        except InOtherHands:
            raise OutcomeUnknown("another process is at it") from None

    def payouts(self, since: datetime) -> list[Payout]:
        return [
            _transferred(transfer, custodian.provider_id)
            for custodian in resolve(Custodians).values()
            for transfer in custodian.transfers(since, Direction.OUT)
        ]


@task("funding.credit_arrival")
def credit_arrival(session: Session, *, arrival_id: str) -> None:
    """Tokens came in at a custodian."""
    came = queries.arrival(session, UUID(arrival_id))
    arrivals.take_arrival(session, NAME, HOUSE, _arrival(came))


@task("funding.settle_send", own_transactions=True)
def settle_send(database: Database, *, reference: str) -> None:
    """A send is over: the withdrawal that it is for goes on."""
    payouts.advance(database, withdrawal_id=str(ids.decode(withdrawals.PREFIX, reference)))


def _arrival(came: queries.Arrival) -> Arrival:
    return Arrival(
        str(came.id), came.address, came.amount, came.arrived_at, provider_id=came.provider_id
    )


def _payout(status: SendStatus) -> Payout:
    state = _SENT.get(status.state)
    if state is None or status.provider_id is None:
        raise OutcomeUnknown(f"the send is {status.state}")
    return Payout(
        provider_ref=status.provider_ref or status.reference,
        reference=status.reference,
        state=state,
        amount=status.amount,
        provider_id=status.provider_id,
        cost=status.cost if state is PayoutState.COMPLETED else None,
        code=status.code,
        evidence=status.tx_hash,
    )


def _transferred(transfer: Transfer, provider_id: UUID) -> Payout:
    return Payout(
        provider_ref=transfer.provider_ref,
        reference=transfer.reference,
        state=_TRANSFERRED[transfer.state],
        amount=transfer.amount,
        provider_id=provider_id,
        cost=transfer.cost,
        code=transfer.code,
        evidence=transfer.tx_hash,
    )
