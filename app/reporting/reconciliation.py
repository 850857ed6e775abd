"""Our books against themselves, and against what each provider says of the same money.

What a provider has and we have not is first asked about once more, as a webhook that never came
would have made us do; only what still differs then is a difference, and becomes a case. A case is
opened once for the same thing, however many nights it differs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from app.cases import service as cases
from app.custody import arrivals as custody_arrivals
from app.custody.ports import Custodian, Custodians, Direction, TransferState
from app.funding import arrivals, deposits, disputes, payments, payouts, withdrawals
from app.funding.ports import (
    ArrivalRail,
    ArrivalRails,
    Capturing,
    Payment,
    PaymentRail,
    PaymentRails,
    PaymentState,
    Payout,
    PayoutRail,
    PayoutRails,
    PayoutState,
)
from app.funding.statuses import DepositStatus, WithdrawalStatus
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.errors import NotFinished
from app.kit.money import Amount
from app.kit.ports import resolve
from app.kit.tasks import task
from app.ledger.verification import violations
from app.providers.errors import ProviderRefused
from app.reporting import holdings, runs
from app.reporting.runs import Run

#: How far back providers' lists are read: longer than a payment takes to settle.
WINDOW = timedelta(days=3)
#: The same for what may still come back: a bank may return a transfer for two months.
_RETURNED_WITHIN = timedelta(days=65)
_log = structlog.get_logger()

_HAS_COME = frozenset({DepositStatus.CREDITED, DepositStatus.DISPUTED, DepositStatus.TAKEN_BACK})
_DEPOSIT = "SELECT status, coalesce(credited_units, asked_units) FROM deposits WHERE id = %s"
_ARRIVED = """
SELECT credited_units, id FROM deposits WHERE provider = %s AND provider_ref = %s
"""
_CREDITED = """
SELECT id, provider_ref FROM deposits
WHERE provider = %s AND credited_at >= %s AND requested_at >= %s
"""
_TOKENS = """
SELECT provider_ref, units FROM custody_arrivals WHERE custodian = %s AND arrived_at >= %s
"""
_WITHDRAWAL = "SELECT status, units FROM withdrawals WHERE id = %s"
_PAID_OUT = """
SELECT id FROM withdrawals
WHERE provider = %s AND requested_at >= %s AND status IN ('sent', 'completed', 'returned')
"""


@dataclass(slots=True)
class _Comparison:
    """A comparison with one source, and what it has found so far."""

    database: Database
    source: str
    since: datetime
    compared: int = 0
    healed: int = 0
    differences: int = 0
    #: Why some of it could not be compared.
    unclear: list[str] = field(default_factory=list)

    @contextmanager
    def each(self) -> Iterator[None]:
        """One of many: that nobody knows what became of it keeps the others from nothing."""
        self.compared += 1
        try:
            yield
        except (NotFinished, ProviderRefused) as error:
            self.unclear.append(f"{type(error).__name__}: {error}")

    def report(self, key: str, title: str, facts: Mapping[str, str]) -> None:
        """Something differs: a case, once for the same thing."""
        self.differences += 1
        with self.database.transaction() as session:
            cases.open_case(
                session, kind=runs.KIND, subject=key, key=f"{self.source}:{key}", title=title,
                facts={"source": self.source, **facts},
            )  # fmt: skip


@task(runs.TASK, own_transactions=True)
def reconcile(database: Database) -> None:
    """Compare everything; a source that cannot be asked does not stop the others."""
    reconcile_all(database)


def reconcile_all(database: Database) -> list[Run]:
    """The same; answers what came of each source."""
    made = []
    for source, compare, window in _sources():
        began, failure = clock.now(), None
        since = began - window
        found = _Comparison(database, source, since)
        try:
            compare(found)
            if found.unclear:
                failure = f"{len(found.unclear)} unclear, the first: {found.unclear[0]}"
        except (NotFinished, ProviderRefused) as error:
            failure = f"{type(error).__name__}: {error}"
        _log.info(
            "reconciled", source=source, compared=found.compared, healed=found.healed,
            differences=found.differences, failure=failure,
        )  # fmt: skip
        run = Run(
            ids.new(), source, since, began, clock.now(), found.compared, found.healed,
            found.differences, failure,
        )  # fmt: skip
        with database.transaction() as session:
            runs.keep(session, run)
        made.append(run)
    return made


_Compare = Callable[[_Comparison], None]


def _sources() -> Iterable[tuple[str, _Compare, timedelta]]:
    yield "books", _books, WINDOW
    for rail in resolve(PaymentRails).values():
        yield f"{rail.name} payments", _of(_payments, rail), WINDOW
        if isinstance(rail, Capturing):
            yield f"{rail.name} disputes", _of(_disputes, rail), WINDOW
    for arriving in resolve(ArrivalRails).values():
        yield f"{arriving.name} arrivals", _of(_arrivals, arriving), _RETURNED_WITHIN
    for custodian in resolve(Custodians).values():
        yield f"{custodian.name} arrivals", _of(_tokens, custodian), WINDOW
        yield f"{custodian.name} balances", _of(_balances, custodian), WINDOW
    for paying in resolve(PayoutRails).values():
        yield f"{paying.name} payouts", _of(_payouts, paying), _RETURNED_WITHIN


def _of(compare: Callable[..., None], rail: object) -> _Compare:
    return lambda found: compare(found, rail)


def _books(comparison: _Comparison) -> None:
    """Balances that are kept against the postings that they are the sum of, and the other rules."""
    with comparison.database.transaction(SNAPSHOT) as session:
        broken = violations(session)
    comparison.compared = 1
    for violation in broken:
        text = str(violation)
        comparison.report(text, "The books do not add up", {"what": text})


def _payments(found: _Comparison, rail: PaymentRail) -> None:
    listed = rail.payments(found.since)
    paid: set[UUID] = set()
    for payment in listed:
        with found.each():
            _payment(found, rail, payment, paid)
    _report_unknown(found, rail.name, {each.provider_ref for each in listed})


def _payment(found: _Comparison, rail: PaymentRail, payment: Payment, paid: set[UUID]) -> None:
    """One that a processor lists. `paid` are the deposits that one before it has paid: what comes
    twice for one of them is nobody's yet."""
    deposit_id = ids.try_decode(deposits.PREFIX, payment.reference)
    is_second = deposit_id in paid
    if deposit_id is not None and not is_second:
        if payment.state is PaymentState.PAID:
            paid.add(deposit_id)
        if _agrees(found.database, deposit_id, payment):
            return
        payments.advance(found.database, deposit_id=str(deposit_id))
        if _agrees(found.database, deposit_id, rail.look(payment.provider_ref)):
            found.healed += 1
            return
    if is_second and payment.state is not PaymentState.PAID:
        return
    found.report(
        payment.provider_ref,
        "A payment stands otherwise at its processor than with us",
        {"reference": payment.reference, "there": f"{payment.state}, {_text(payment.amount)}"},
    )


def _agrees(database: Database, deposit_id: UUID, payment: Payment) -> bool:
    with database.reading() as session:
        row = session.row(_DEPOSIT, (deposit_id,))
    if row is None:
        return False
    status, has_come = DepositStatus(row[0]), DepositStatus(row[0]) in _HAS_COME
    if payment.state is PaymentState.PAID:
        return has_come and row[1] == payment.amount.units
    if payment.state is PaymentState.FAILED:
        return status in {DepositStatus.FAILED, DepositStatus.CANCELLED}
    return not has_come


def _disputes(found: _Comparison, rail: PaymentRail) -> None:
    """Those that were opened of late, and each that is open here: they are decided months later."""
    assert isinstance(rail, Capturing)
    listed = {dispute.provider_ref: dispute for dispute in rail.disputes(found.since)}
    with found.database.reading() as session:
        still_open = disputes.open_refs(session, rail.name)
    for ref in [*listed, *(ref for ref in still_open if ref not in listed)]:
        with found.each():
            dispute = listed.get(ref) or rail.dispute(ref)
            with found.database.transaction() as session:
                found.healed += disputes.apply(session, rail.name, rail.provider_id, dispute)


def _arrivals(found: _Comparison, rail: ArrivalRail) -> None:
    listed = rail.all_arrivals(found.since)
    for arrival in listed:
        found.compared += 1
        with found.database.transaction() as session:
            found.healed += arrivals.take_arrival(session, rail.name, rail.provider_id, arrival)
            row = session.row(_ARRIVED, (rail.name, arrival.provider_ref))
        if row is not None and row[0] != arrival.amount.units:
            found.report(
                arrival.provider_ref,
                "The provider lists another amount than we credited",
                {"deposit": ids.encode(deposits.PREFIX, row[1]), "there": _text(arrival.amount)},
            )
    _report_unknown(found, rail.name, {each.provider_ref for each in listed})


def _tokens(found: _Comparison, custodian: Custodian) -> None:
    """What came in at a custodian, and whether it was credited."""
    with found.database.reading() as session:
        before = _arrivals_of(session, custodian, found.since)
    listed = custodian.transfers(found.since, Direction.IN)
    with found.database.transaction() as session:
        custody_arrivals.take(session, custodian, listed)
    with found.database.reading() as session:
        after = _arrivals_of(session, custodian, found.since)
    found.compared += len(listed)
    found.healed += len(after.keys() - before.keys())
    there = {
        each.provider_ref: each.amount.units
        for each in listed
        if each.state is TransferState.COMPLETED
    }
    for provider_ref in sorted(there.keys() | after.keys()):
        if there.get(provider_ref) != after.get(provider_ref):
            found.report(
                f"{custodian.name}:{provider_ref}",
                "Tokens came in otherwise at a custodian than with us",
                {
                    "there": str(there.get(provider_ref, "nothing")),
                    "with us": str(after.get(provider_ref, "nothing")),
                },
            )


def _balances(found: _Comparison, custodian: Custodian) -> None:
    """What it keeps in all, once nothing is on its way in or out there."""
    moving = []
    for holding in holdings.compare(found.database, custodian):
        code = holding.asset.code
        if holding.agrees or not holding.is_moving:
            found.compared += 1
        else:
            moving.append(code)
        if not holding.agrees and not holding.is_moving:
            found.report(
                f"{custodian.name} {code}",
                "A custodian keeps another amount than our books say",
                {"there": str(holding.there), "with us": str(holding.here)},
            )
    if moving:
        raise holdings.OnTheMove(", ".join(moving))


def _arrivals_of(session: Session, custodian: Custodian, since: datetime) -> dict[str, int]:
    rows = session.rows(_TOKENS, (custodian.name, since))
    return dict(rows)


def _report_unknown(found: _Comparison, provider: str, known: set[str]) -> None:
    """What we credited and the provider does not list."""
    with found.database.reading() as session:
        rows = session.rows(_CREDITED, (provider, found.since, found.since))
    for deposit_id, provider_ref in rows:
        if provider_ref not in known:
            public_id = ids.encode(deposits.PREFIX, deposit_id)
            found.report(
                public_id,
                "We credited what the provider does not list",
                {"deposit": public_id, "their id": provider_ref},
            )


def _payouts(found: _Comparison, rail: PayoutRail) -> None:
    listed = rail.payouts(found.since)
    for payout in listed:
        with found.each():
            _payout(found, rail, payout)
    known = {payout.reference for payout in listed}
    with found.database.reading() as session:
        rows = session.rows(_PAID_OUT, (rail.name, found.since))
    for (withdrawal_id,) in rows:
        public_id = ids.encode(withdrawals.PREFIX, withdrawal_id)
        if public_id not in known:
            found.report(
                public_id,
                "We sent what the provider does not list",
                {"withdrawal": public_id},
            )


def _payout(found: _Comparison, rail: PayoutRail, payout: Payout) -> None:
    withdrawal_id = ids.try_decode(withdrawals.PREFIX, payout.reference)
    if withdrawal_id is not None and _settled(found.database, withdrawal_id, payout):
        return
    if withdrawal_id is not None and _known(found.database, withdrawal_id):
        payouts.advance(found.database, withdrawal_id=str(withdrawal_id))
        latest = rail.find(payout.reference) or payout
        with found.database.transaction() as session:
            payouts.apply(session, withdrawal_id, latest)
        if _settled(found.database, withdrawal_id, latest):
            found.healed += 1
            return
    found.report(
        payout.provider_ref,
        "A payout stands otherwise at its provider than with us",
        {"reference": payout.reference, "there": f"{payout.state}, {_text(payout.amount)}"},
    )


_MEANS: Mapping[PayoutState, frozenset[WithdrawalStatus]] = {
    PayoutState.SENT: frozenset({WithdrawalStatus.SENT, WithdrawalStatus.COMPLETED}),
    PayoutState.COMPLETED: frozenset({WithdrawalStatus.COMPLETED}),
    PayoutState.FAILED: frozenset({WithdrawalStatus.FAILED}),
    PayoutState.RETURNED: frozenset({WithdrawalStatus.RETURNED}),
}


def _settled(database: Database, withdrawal_id: UUID, payout: Payout) -> bool:
    with database.reading() as session:
        row = session.row(_WITHDRAWAL, (withdrawal_id,))
    if row is None:
        return False
    return WithdrawalStatus(row[0]) in _MEANS[payout.state] and row[1] == payout.amount.units


def _known(database: Database, withdrawal_id: UUID) -> bool:
    with database.reading() as session:
        return session.row(_WITHDRAWAL, (withdrawal_id,)) is not None


def _text(amount: Amount) -> str:
    return f"{amount} {amount.asset.code}"
