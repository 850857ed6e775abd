"""The postings of an order beside those of its goods: what is paid, and what is charged with it.

Together with the postings of `vault.stock.service.sell`, which credit the price of the goods, they
sum to zero in each asset.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.catalog.rules import USD
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.service import NewPosting
from app.shop.checkout.rules import Charges
from app.shop.orders.rules import OrderPayment, OrderPaymentMethod


def post_payments(customer_id: UUID, payments: Sequence[OrderPayment]) -> list[NewPosting]:
    """Return the postings that take payments from a customer.

    Dollars are debited. Metal is sold for the dollars that it pays: it passes through the position
    at mid, and PBCEx keeps the spread, as in an order of trading.
    """
    postings: list[NewPosting] = []
    for payment in payments:
        taken = ledger.debit(chart.customer(customer_id, payment.given.asset), payment.given)
        postings.append(taken)
        if payment.method is OrderPaymentMethod.METAL:
            at_mid = payment.dollars + payment.spread + payment.rounding
            postings += [
                ledger.credit(chart.position(payment.given.asset), payment.given),
                ledger.debit(chart.position(USD), at_mid),
                ledger.credit(chart.spread(USD), payment.spread),
                ledger.credit(chart.rounding(USD), payment.rounding),
            ]
    return postings


def post_charges(charges: Mapping[UUID, Charges]) -> list[NewPosting]:
    """Return the postings of each branch's part of tax, shipping and insurance."""
    return [
        ledger.credit(account(USD, branch_id), amount)
        for branch_id, part in charges.items()
        for account, amount in (
            (chart.sales_tax, part.tax),
            (chart.sales_shipping, part.shipping),
            (chart.sales_insurance, part.insurance),
        )
    ]
