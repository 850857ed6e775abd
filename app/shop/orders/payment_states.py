"""How far the payment of an order is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.catalog.rules import PaymentMethod
from app.funding.deposits.queries import Deposit
from app.funding.states import DepositStatus, Reversal
from app.kit.money import Amount
from app.shop.orders.rules import OrderStatus, PaymentProgress


@dataclass(frozen=True, slots=True)
class OrderPaymentState:
    """How far the payment of an order is, and what its customer has to do."""

    status: PaymentProgress
    #: That pays for a part; None if all was paid at once.
    deposit: Deposit | None
    #: Until when it has to come.
    due_at: datetime | None

    @property
    def deposit_id(self) -> UUID | None:
        """The deposit."""
        return self.deposit.id if self.deposit else None

    @property
    def amount(self) -> Amount | None:
        """What the card is charged, or is to be transferred."""
        return self.deposit.amount if self.deposit else None

    @property
    def fee(self) -> Amount | None:
        """The fee, of the amount."""
        return self.deposit.fee if self.deposit else None

    @property
    def client_secret(self) -> str | None:
        """What the card's form needs to have the payment confirmed, while it has to be."""
        return self._instructions(PaymentProgress.REQUIRES_ACTION).get("client_secret")

    @property
    def transfer_to(self) -> Mapping[str, str] | None:
        """The account to send the transfer to, while it is waited for."""
        return self._instructions(PaymentProgress.AWAITING_TRANSFER) or None

    def _instructions(self, status: PaymentProgress) -> Mapping[str, str]:
        has_to_act = self.status is status and self.deposit is not None
        return self.deposit.instructions if has_to_act and self.deposit else {}


def find_progress(
    status: OrderStatus, deposit: Deposit | None, *, is_paid: bool
) -> PaymentProgress:
    """Return how far the payment of an order with this status is; `deposit` pays for a part."""
    if status is OrderStatus.CANCELLED:
        return PaymentProgress.CANCELLED
    if is_paid:
        return PaymentProgress.PAID if deposit is None else _progress_of_paid(deposit)
    if status is OrderStatus.ON_HOLD:
        return PaymentProgress.PROCESSING
    assert deposit is not None  # unpaid_order_waits_for_a_deposit
    if deposit.status is not DepositStatus.PENDING:
        return PaymentProgress.PROCESSING
    if deposit.method is PaymentMethod.CARD:
        return PaymentProgress.REQUIRES_ACTION
    return PaymentProgress.AWAITING_TRANSFER


def _progress_of_paid(deposit: Deposit) -> PaymentProgress:
    """Return what became of a payment after it had paid."""
    if deposit.status is DepositStatus.DISPUTED:
        return PaymentProgress.DISPUTED
    if deposit.shown_status is Reversal.CHARGED_BACK:
        return PaymentProgress.CHARGED_BACK
    return PaymentProgress.PAID
