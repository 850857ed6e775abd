"""Cash at Main Street: the bank delivered some, a day was closed a little short, and today's drawer
is open."""

from app.counter.cash import service as cash
from app.counter.cash.service import CashPayment
from app.counter.drawers import closing
from app.counter.drawers import service as drawers
from app.counter.drawers.rules import CashPieces
from app.sample.business import Business
from app.sample.timeline import Part

PART = Part()
_DELIVERED = CashPieces.of(
    {
        "usd_10000": 300, "usd_5000": 100, "usd_2000": 500, "usd_1000": 200, "usd_500": 200,
        "usd_100": 300, "usd_25": 400, "usd_10": 500, "usd_5": 400, "usd_1": 1000,
    }
)  # fmt: skip
_FLOAT = CashPieces.of(
    {
        "usd_2000": 20, "usd_1000": 20, "usd_500": 20, "usd_100": 40, "usd_25": 40, "usd_10": 50,
        "usd_5": 40, "usd_1": 100,
    }
)  # fmt: skip
_PAID_IN = CashPieces.of({"usd_10000": 104})
_MISSING = CashPieces.of({"usd_100": 2})


@PART.ago(days=30)
def take_delivery(business: Business) -> None:
    """Take the bank's first delivery; an administrator counts with the teller."""
    with business.transaction() as session:
        drawers.take_delivery(
            session,
            business.actor("teller"),
            business.things["MAIN"],
            _DELIVERED,
            witness_id=business.actor("admin").user_id,
        )


@PART.ago(days=1, hours=2)
def serve_yesterday(business: Business) -> None:
    """Take in so much cash that it is reported, and close the drawer two dollars short."""
    _open(business)
    teller = business.actor("teller")
    with business.transaction() as session:
        customer = business.actor("customer")
        payment = CashPayment(customer.user_id, _PAID_IN.amount, _PAID_IN, "passport")
        cash.deposit(session, teller, payment)
        closing.count_drawer(session, teller, _FLOAT + _PAID_IN - _MISSING)


@PART.ago(hours=3)
def open_today(business: Business) -> None:
    """Open a drawer, for people who try the counter."""
    _open(business)


def _open(business: Business) -> None:
    with business.transaction() as session:
        drawers.open_drawer(
            session, business.actor("teller"), business.things["MAIN TILL 1"], _FLOAT
        )
