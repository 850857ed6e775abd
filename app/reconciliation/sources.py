"""The sources with which our books are compared: themselves, and what each provider lists.

What a provider lists and our books lack is processed once more, as the webhook that never came
would have made us do. Only what still differs after that is a difference, and becomes a case.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from app.custody.ports import Custodians
from app.fulfillment.carriers.ports import LabelSellers, ParcelTrackers
from app.fulfillment.restock.purchase_orders.ports import Wholesalers
from app.funding.disputes.service import REVISED_WITHIN
from app.funding.ports import CardRail, IncomingTransferRails, PaymentRails, PayoutRails
from app.kit.db import SNAPSHOT
from app.kit.ports import resolve
from app.reconciliation.arrivals import compare_arrivals, compare_custody_arrivals
from app.reconciliation.comparison import Comparison
from app.reconciliation.custody_balances import compare_custody_balances
from app.reconciliation.depots import compare_depots
from app.reconciliation.invariants import find_violations
from app.reconciliation.parcels import compare_deliveries, compare_labels
from app.reconciliation.payments import compare_disputes, compare_payments, compare_refunds
from app.reconciliation.payouts import compare_payouts
from app.reconciliation.purchases import compare_purchases
from app.vault.depots.ports import DepotKeepers

#: How far back providers' lists are read: longer than a payment takes to settle.
WINDOW = timedelta(days=3)
#: The same for payments: longer than a customer may take to complete one.
_PAYMENT_WINDOW = timedelta(days=15)
#: The same where money can still come back: a bank may return a transfer for two months.
_RETURN_WINDOW = timedelta(days=65)
#: The same for parcels: longer than they are tracked.
_PARCEL_WINDOW = timedelta(days=65)


@dataclass(frozen=True, slots=True)
class Source:
    """What our books are compared with, and how far back its records are read."""

    name: str
    compare: Callable[[Comparison], None]
    window: timedelta = WINDOW
    #: None for our own books.
    provider: str | None = None


class _Provider(Protocol):
    @property
    def name(self) -> str: ...


def sources() -> Iterable[Source]:
    """Yield each source, our own books first."""
    yield Source("books", _compare_books)
    for rail in resolve(PaymentRails).values():
        yield _source(rail, "payments", compare_payments, _PAYMENT_WINDOW)
        if isinstance(rail, CardRail):
            yield _source(rail, "disputes", compare_disputes, REVISED_WITHIN)
            yield _source(rail, "refunds", compare_refunds, _RETURN_WINDOW)
    for arrival_rail in resolve(IncomingTransferRails).values():
        yield _source(arrival_rail, "arrivals", compare_arrivals, _RETURN_WINDOW)
    for custodian in resolve(Custodians).values():
        yield _source(custodian, "arrivals", compare_custody_arrivals)
        yield _source(custodian, "balances", compare_custody_balances)
    for keeper in resolve(DepotKeepers).values():
        yield _source(keeper, "inventory", compare_depots)
    for seller in resolve(LabelSellers).values():
        yield _source(seller, "labels", compare_labels, _PARCEL_WINDOW)
    for wholesaler in resolve(Wholesalers).values():
        yield _source(wholesaler, "orders", compare_purchases)
    for tracker in resolve(ParcelTrackers).values():
        yield _source(tracker, "deliveries", compare_deliveries, _PARCEL_WINDOW)
    for payout_rail in resolve(PayoutRails).values():
        yield _source(payout_rail, "payouts", compare_payouts, _RETURN_WINDOW)


def _source(
    provider: _Provider, records: str, compare: Callable[..., None], window: timedelta = WINDOW
) -> Source:
    def compare_provider(comparison: Comparison) -> None:
        compare(comparison, provider)

    return Source(f"{provider.name} {records}", compare_provider, window, provider.name)


def _compare_books(comparison: Comparison) -> None:
    """Check every invariant of the books, stored balances against their postings and what is left
    of lots included."""
    with comparison.database.transaction(SNAPSHOT) as session:
        violations = find_violations(session)
    comparison.compared = 1
    for violation in violations:
        text = str(violation)
        comparison.report(text, "The books do not add up", {"what": text})
