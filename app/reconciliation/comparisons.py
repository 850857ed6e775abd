"""Comparisons of our books with themselves and with what each provider lists.

What a provider lists and our books lack is processed once more, as the webhook that never came
would have made us do. Only what still differs after that is a difference, and becomes a case. The
same difference opens one case, however many nights it is found.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from app.cases import service as cases
from app.custody import incoming_tokens
from app.custody.ports import Custodian, Custodians, Direction, TransferState
from app.funding.deposits import incoming_transfers, payments
from app.funding.deposits import service as deposits
from app.funding.disputes import service as disputes
from app.funding.ports import (
    CardRail,
    IncomingTransfer,
    IncomingTransferRail,
    IncomingTransferRails,
    Payment,
    PaymentRail,
    PaymentRails,
    PaymentState,
    Payout,
    PayoutRail,
    PayoutRails,
    PayoutState,
)
from app.funding.states import PAID_WITHDRAWALS, DepositStatus, WithdrawalStatus
from app.funding.withdrawals import payouts
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.db import SNAPSHOT, Database, DatabaseUnavailable, Session
from app.kit.errors import NotFinished
from app.kit.formatting import format_amount
from app.kit.ports import resolve
from app.ledger.verification import find_violations
from app.providers.errors import ProviderRefused
from app.reconciliation.custody_balances import TransfersInFlight, compare_balances
from app.reconciliation.queries import CASE_KIND

_log = structlog.get_logger()

#: How far back providers' lists are read: longer than a payment takes to settle.
WINDOW = timedelta(days=3)
#: The same where money can still come back: a bank may return a transfer for two months.
_RETURN_WINDOW = timedelta(days=65)

_RECEIVED = frozenset({DepositStatus.CREDITED, DepositStatus.DISPUTED, DepositStatus.TAKEN_BACK})
_DEPOSIT = "SELECT status, coalesce(credited_units, asked_units) FROM deposits WHERE id = %s"
_DEPOSIT_OF_ARRIVAL = """
SELECT credited_units, id FROM deposits WHERE provider = %s AND provider_ref = %s
"""
_CREDITED = """
SELECT id, provider_ref FROM deposits
WHERE provider = %s AND credited_at >= %s AND requested_at >= %s
"""
_CUSTODY_ARRIVALS = """
SELECT provider_ref, units FROM custody_arrivals WHERE custodian = %s AND arrived_at >= %s
"""
_WITHDRAWAL = "SELECT status, units FROM withdrawals WHERE id = %s"
_PAID_OUT = """
SELECT id FROM withdrawals
WHERE provider = %s AND requested_at >= %s AND status = ANY (%s)
"""


@dataclass(slots=True)
class Comparison:
    """A comparison with one source, and its results so far."""

    database: Database
    source: str
    since: datetime
    compared: int = 0
    healed: int = 0
    differences: int = 0
    #: Why some of the items could not be compared.
    unclear: list[str] = field(default_factory=list)

    @contextmanager
    def item(self) -> Iterator[None]:
        """Count one of many items. An error is noted and does not stop the others."""
        self.compared += 1
        with self.noting_error():
            yield

    @contextmanager
    def noting_error(self) -> Iterator[None]:
        """Note an error of the block as an unclear item. Raises `DatabaseUnavailable`."""
        try:
            yield
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the other items are compared all the same
            self.unclear.append(describe_failure(error, self.source))

    def report(self, key: str, title: str, facts: Mapping[str, str]) -> None:
        """Count a difference and open a case for it, unless it has one."""
        self.differences += 1
        with self.database.transaction() as session:
            cases.open_case(
                session, kind=CASE_KIND, subject=key, key=f"{self.source}:{key}", title=title,
                facts={"source": self.source, **facts},
            )  # fmt: skip


def describe_failure(error: Exception, source: str) -> str:
    """Return what the result of a comparison says about an error.

    The message of an unforeseen error may contain personal data: it goes to the log, without its
    values, and only its type is returned.
    """
    if isinstance(error, NotFinished | ProviderRefused):
        return f"{type(error).__name__}: {error}"
    _log.error("reconciliation_failed", source=source, exc_info=error)
    return type(error).__name__


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
        yield _source(rail, "payments", _compare_payments)
        if isinstance(rail, CardRail):
            yield _source(rail, "disputes", _compare_disputes)
    for arrival_rail in resolve(IncomingTransferRails).values():
        yield _source(arrival_rail, "arrivals", _compare_arrivals, _RETURN_WINDOW)
    for custodian in resolve(Custodians).values():
        yield _source(custodian, "arrivals", _compare_custody_arrivals)
        yield _source(custodian, "balances", _compare_custody_balances)
    for payout_rail in resolve(PayoutRails).values():
        yield _source(payout_rail, "payouts", _compare_payouts, _RETURN_WINDOW)


def _source(
    provider: _Provider, records: str, compare: Callable[..., None], window: timedelta = WINDOW
) -> Source:
    def compare_provider(comparison: Comparison) -> None:
        compare(comparison, provider)

    return Source(f"{provider.name} {records}", compare_provider, window, provider.name)


def _compare_books(comparison: Comparison) -> None:
    """Check every invariant of the ledger, stored balances against their postings included."""
    with comparison.database.transaction(SNAPSHOT) as session:
        violations = find_violations(session)
    comparison.compared = 1
    for violation in violations:
        text = str(violation)
        comparison.report(text, "The books do not add up", {"what": text})


def _compare_payments(comparison: Comparison, rail: PaymentRail) -> None:
    listed = rail.payments(comparison.since)
    paid_deposits: set[UUID] = set()
    for payment in listed:
        with comparison.item():
            _compare_payment(comparison, rail, payment, paid_deposits)
    _report_unlisted_deposits(comparison, rail.name, {payment.provider_ref for payment in listed})


def _compare_payment(
    comparison: Comparison, rail: PaymentRail, payment: Payment, paid_deposits: set[UUID]
) -> None:
    """Compare one listed payment. `paid_deposits` are the deposits that payments before it paid: a
    second payment for the same deposit belongs to no customer yet."""
    deposit_id = ids.try_decode(deposits.PREFIX, payment.reference)
    is_second = deposit_id in paid_deposits
    if deposit_id is not None and not is_second:
        if payment.state is PaymentState.PAID:
            paid_deposits.add(deposit_id)
        if _deposit_agrees(comparison.database, deposit_id, payment):
            return
        payments.advance(comparison.database, deposit_id)
        if _deposit_agrees(comparison.database, deposit_id, rail.fetch(payment.provider_ref)):
            comparison.healed += 1
            return
    if is_second and payment.state is not PaymentState.PAID:
        return
    comparison.report(
        payment.provider_ref,
        "A payment differs between its processor and our books",
        {
            "reference": payment.reference,
            "there": f"{payment.state}, {format_amount(payment.amount)}",
        },
    )


def _deposit_agrees(database: Database, deposit_id: UUID, payment: Payment) -> bool:
    with database.reading() as session:
        row = session.row(_DEPOSIT, (deposit_id,))
    if row is None:
        return False
    status, units = row
    is_received = status in _RECEIVED
    if payment.state is PaymentState.PAID:
        return is_received and units == payment.amount.units
    if payment.state is PaymentState.FAILED:
        return status in {DepositStatus.FAILED, DepositStatus.CANCELLED}
    return not is_received


def _compare_disputes(comparison: Comparison, rail: PaymentRail) -> None:
    """Apply the disputes opened lately, and those open in our books: a decision takes months."""
    assert isinstance(rail, CardRail)
    listed = {dispute.provider_ref: dispute for dispute in rail.disputes(comparison.since)}
    with comparison.database.reading() as session:
        open_refs = disputes.open_dispute_refs(session, rail.name)
    for ref in [*listed, *(ref for ref in open_refs if ref not in listed)]:
        with comparison.item():
            dispute = listed.get(ref) or rail.dispute(ref)
            with comparison.database.transaction() as session:
                comparison.healed += disputes.apply_dispute(
                    session, rail.name, rail.provider_id, dispute
                )


def _compare_arrivals(comparison: Comparison, rail: IncomingTransferRail) -> None:
    listed = rail.transfers_since(comparison.since)
    for arrival in listed:
        with comparison.item():
            _compare_arrival(comparison, rail, arrival)
    _report_unlisted_deposits(comparison, rail.name, {arrival.provider_ref for arrival in listed})


def _compare_arrival(
    comparison: Comparison, rail: IncomingTransferRail, arrival: IncomingTransfer
) -> None:
    with comparison.database.transaction() as session:
        comparison.healed += incoming_transfers.record_transfer(
            session, rail.name, rail.provider_id, arrival
        )
        credited = session.rows(_DEPOSIT_OF_ARRIVAL, (rail.name, arrival.provider_ref))
    for credited_units, deposit_id in credited:
        if credited_units != arrival.amount.units:
            public_id = ids.encode(deposits.PREFIX, deposit_id)
            comparison.report(
                arrival.provider_ref,
                "The provider lists another amount than we credited",
                {"deposit": public_id, "there": format_amount(arrival.amount)},
            )


def _compare_custody_arrivals(comparison: Comparison, custodian: Custodian) -> None:
    """Compare the tokens that a custodian received with those in our books."""
    with comparison.database.reading() as session:
        before = _custody_arrivals(session, custodian, comparison.since)
    listed = custodian.transfers(comparison.since, Direction.IN)
    for transfer in listed:
        with comparison.item(), comparison.database.transaction() as session:
            incoming_tokens.apply_transfers(session, custodian, [transfer])
    with comparison.database.reading() as session:
        after = _custody_arrivals(session, custodian, comparison.since)
    comparison.healed += len(after.keys() - before.keys())
    completed = {
        transfer.provider_ref: transfer.amount.units
        for transfer in listed
        if transfer.state is TransferState.COMPLETED
    }
    for provider_ref in sorted(completed.keys() | after.keys()):
        if completed.get(provider_ref) == after.get(provider_ref):
            continue
        with comparison.noting_error():
            comparison.report(
                f"{custodian.name}:{provider_ref}",
                "Incoming tokens differ between a custodian and our books",
                {
                    "there": str(completed.get(provider_ref, "nothing")),
                    "with us": str(after.get(provider_ref, "nothing")),
                },
            )


def _compare_custody_balances(comparison: Comparison, custodian: Custodian) -> None:
    """Compare what a custodian keeps in total, once no transfer is in flight."""
    in_flight = []
    for balance in compare_balances(comparison.database, custodian):
        code = balance.asset.code
        if balance.agrees or not balance.is_in_flight:
            comparison.compared += 1
        else:
            in_flight.append(code)
        if not balance.agrees and not balance.is_in_flight:
            comparison.report(
                f"{custodian.name} {code}",
                "A custodian's balance differs from our books",
                {"there": str(balance.at_custodian), "with us": str(balance.in_books)},
            )
    if in_flight:
        raise TransfersInFlight(", ".join(in_flight))


def _custody_arrivals(session: Session, custodian: Custodian, since: datetime) -> dict[str, int]:
    rows = session.rows(_CUSTODY_ARRIVALS, (custodian.name, since))
    return dict(rows)


def _report_unlisted_deposits(comparison: Comparison, provider: str, listed: set[str]) -> None:
    """Report the deposits that we credited and the provider does not list."""
    with comparison.database.reading() as session:
        rows = session.rows(_CREDITED, (provider, comparison.since, comparison.since))
    for deposit_id, provider_ref in rows:
        if provider_ref in listed:
            continue
        public_id = ids.encode(deposits.PREFIX, deposit_id)
        with comparison.noting_error():
            comparison.report(
                public_id,
                "We credited a deposit that the provider does not list",
                {"deposit": public_id, "their id": provider_ref},
            )


def _compare_payouts(comparison: Comparison, rail: PayoutRail) -> None:
    listed = rail.payouts(comparison.since)
    for payout in listed:
        with comparison.item():
            _compare_payout(comparison, rail, payout)
    references = {payout.reference for payout in listed}
    with comparison.database.reading() as session:
        rows = session.rows(_PAID_OUT, (rail.name, comparison.since, list(PAID_WITHDRAWALS)))
    for (withdrawal_id,) in rows:
        public_id = ids.encode(withdrawals.PREFIX, withdrawal_id)
        if public_id in references:
            continue
        with comparison.noting_error():
            comparison.report(
                public_id,
                "We sent a payout that the provider does not list",
                {"withdrawal": public_id},
            )


def _compare_payout(comparison: Comparison, rail: PayoutRail, payout: Payout) -> None:
    withdrawal_id = ids.try_decode(withdrawals.PREFIX, payout.reference)
    if withdrawal_id is not None and _withdrawal_agrees(comparison.database, withdrawal_id, payout):
        return
    if withdrawal_id is not None and _withdrawal_exists(comparison.database, withdrawal_id):
        payouts.advance(comparison.database, withdrawal_id)
        latest = rail.find(payout.reference) or payout
        with comparison.database.transaction() as session:
            payouts.apply_payout(session, withdrawal_id, latest)
        if _withdrawal_agrees(comparison.database, withdrawal_id, latest):
            comparison.healed += 1
            return
    comparison.report(
        payout.provider_ref,
        "A payout differs between its provider and our books",
        {"reference": payout.reference, "there": f"{payout.state}, {format_amount(payout.amount)}"},
    )


_STATUSES_BY_STATE: Mapping[PayoutState, frozenset[WithdrawalStatus]] = {
    PayoutState.SENT: frozenset({WithdrawalStatus.SENT, WithdrawalStatus.COMPLETED}),
    PayoutState.COMPLETED: frozenset({WithdrawalStatus.COMPLETED}),
    PayoutState.FAILED: frozenset({WithdrawalStatus.FAILED}),
    PayoutState.RETURNED: frozenset({WithdrawalStatus.RETURNED}),
}


def _withdrawal_agrees(database: Database, withdrawal_id: UUID, payout: Payout) -> bool:
    with database.reading() as session:
        row = session.row(_WITHDRAWAL, (withdrawal_id,))
    if row is None:
        return False
    status, units = row
    return status in _STATUSES_BY_STATE[payout.state] and units == payout.amount.units


def _withdrawal_exists(database: Database, withdrawal_id: UUID) -> bool:
    with database.reading() as session:
        return session.row(_WITHDRAWAL, (withdrawal_id,)) is not None
