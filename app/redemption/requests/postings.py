"""The postings of a redemption beside those of its goods: what the customer gives.

Together with the postings of `vault.stock.service.give_to` they sum to zero in each asset: the
ounces that leave the shelves are those that the customer gives, and those that they buy.
"""

from collections.abc import Mapping
from uuid import UUID

from app.catalog.rules import USD
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.service import NewPosting
from app.redemption.requests.queries import Redemption
from app.redemption.requests.rules import PaidIn
from app.vault.lots.rules import share_out


def post_payment(redemption: Redemption) -> list[NewPosting]:
    """Return the postings that take metal and dollars from the customer.

    Metal passes into the position. What is sold of it to pay the total passes at mid, and PBCEx
    keeps the spread, as in an order of trading; so do the ounces that the customer buys.
    """
    quote, owner_id = redemption.quote, redemption.user_id
    metal = redemption.metal
    postings = [
        ledger.debit(chart.customer(owner_id, metal.asset), metal),
        ledger.credit(chart.position(metal.asset), metal),
        ledger.debit(chart.customer(owner_id, USD), redemption.dollars),
        ledger.credit(chart.fees(USD), quote.fee),
    ]
    spread, rounding = quote.top_up_spread_units, quote.top_up_rounding_units
    at_mid = quote.top_up_units - spread - rounding
    if redemption.paid_in is PaidIn.METAL:
        spread += quote.metal_spread_units
        rounding += quote.metal_rounding_units
        at_mid -= quote.total_units + quote.metal_spread_units + quote.metal_rounding_units
    return [
        *postings,
        ledger.credit(chart.position(USD), Amount(USD, at_mid)),
        ledger.credit(chart.spread(USD), Amount(USD, spread)),
        ledger.credit(chart.rounding(USD), Amount(USD, rounding)),
    ]


def undo_payment(redemption: Redemption, ounces: Mapping[UUID, int]) -> list[NewPosting]:
    """Return the postings that give the customer everything back: the mirror of both others."""
    taken = [*post_payment(redemption), *post_shipping(redemption, ounces)]
    return [NewPosting(posting.account, -posting.units) for posting in taken]


def post_shipping(redemption: Redemption, ounces: Mapping[UUID, int]) -> list[NewPosting]:
    """Return the postings of shipping and insurance: each branch has its share by the ounces that
    it gave (10^-8)."""
    branch_ids = sorted(ounces)
    weights = [ounces[branch_id] for branch_id in branch_ids]
    return [
        ledger.credit(account(USD, branch_id), Amount(USD, share))
        for account, amount in (
            (chart.sales_shipping, redemption.quote.shipping),
            (chart.sales_insurance, redemption.quote.insurance),
        )
        for branch_id, share in zip(branch_ids, share_out(amount.units, weights), strict=True)
    ]
