"""What a provider keeps for a payment: booked when it is known, and again when it changes.

Some providers say so days after the payment. The books hold what was booked so far; only the
difference from it is posted, so that each cost is booked once, however often it is reported.
"""

from app.cases import service as cases
from app.kit import clock
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.chart import AccountKey

#: How often the cost of one payment may change.
_CHANGES_MAX = 10


def booked_cost(session: Session, public_id: PublicId, cost: Amount) -> Amount:
    """Return what is booked as the cost of a payment, in the asset of `cost`."""
    return _booked(session, public_id, cost)[0]


def book_cost(
    session: Session, public_id: PublicId, cost: Amount, paid_from: AccountKey, *, cause: str
) -> bool:
    """Book the cost of a payment as far as it is not booked yet; return whether anything was new.

    A cost that fell is given back. The caller has locked the payment.
    """
    booked, references = _booked(session, public_id, cost)
    difference = cost - booked
    if not difference:
        return False
    ledger.post(
        session,
        cause=cause,
        reference=next(each for each in _references(public_id) if each not in references),
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.processing_costs(cost.asset), difference),
            ledger.credit(paid_from, difference),
        ],
    )
    return True


def report_if_above_fee(
    session: Session, public_id: PublicId, *, payment: str, cost: Amount, fee: Amount
) -> None:
    """Open a case when a provider charges more than the customer paid: the settings of the fee and
    of its known cost are out of date. One case for each kind of payment, such as `card deposit`."""
    if fee < cost:
        cases.open_case(
            session,
            kind="payment_cost",
            subject=public_id,
            key=f"{payment} {cost.asset.code}",
            title="A provider charges more than our fee",
            facts={
                "payment": payment,
                "charged by the provider": format_amount(cost),
                "paid by the customer": format_amount(fee),
                "to do": "Raise the cost and the fee in the settings.",
            },
        )


def _booked(session: Session, public_id: PublicId, cost: Amount) -> tuple[Amount, set[str]]:
    """Return what is booked, and the references of the entries that did."""
    account = chart.processing_costs(cost.asset)
    units = ledger_queries.units_by_reference(
        session, account, [public_id, *_references(public_id)]
    )
    return Amount(cost.asset, sum(units.values())), set(units)


def _references(public_id: PublicId) -> list[str]:
    """Return the references of a payment's entries of costs, in the order in which they are used.

    The cost of a deposit that is known in time is a part of the deposit's own entry.
    """
    later = [f"{public_id}:cost:{number}" for number in range(2, _CHANGES_MAX + 1)]
    return [f"{public_id}:cost", *later]
