"""The postings of a refund beside those of its goods, which debit the price of these."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from app.catalog.rules import USD
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.service import NewPosting
from app.shop.refunds.refundable import SoldPart
from app.shop.refunds.rules import RefundTerms
from app.vault.lots.rules import share_out

_NOTHING = Amount(USD, 0)


def post_money(
    customer_id: UUID,
    terms: RefundTerms,
    parts: Sequence[SoldPart],
    branches: Mapping[UUID, UUID],
) -> list[NewPosting]:
    """Return the postings of tax, shipping and insurance that are given back, and of the money that
    the customer gets.

    `branches` are those of the locations of the parts. What the metal lost is the difference to the
    price at which it comes back into the position. What a customer owes beyond what they paid is a
    receivable.
    """
    return [
        *_post_tax(terms, parts, branches),
        *_post_charges(terms, parts, branches),
        ledger.credit(chart.position(USD), terms.loss),
        ledger.credit(chart.fees(USD), terms.fee),
        ledger.credit(chart.customer(customer_id, USD), terms.received),
        ledger.debit(chart.receivable(customer_id, USD), terms.owed),
    ]


def post_allowance(
    terms: RefundTerms, parts: Sequence[SoldPart], branches: Mapping[UUID, UUID]
) -> list[NewPosting]:
    """Return the postings that give the price of goods back which the customer keeps: what the
    branch earned with them is so much less."""
    by_position = {part.position: part for part in parts}
    return [
        ledger.debit(
            chart.sales_premium(USD, branches[by_position[each.position].location_id]), each.price
        )
        for each in terms.parts
    ]


def _post_tax(
    terms: RefundTerms, parts: Sequence[SoldPart], branches: Mapping[UUID, UUID]
) -> list[NewPosting]:
    taxes: defaultdict[UUID, Amount] = defaultdict(lambda: _NOTHING)
    by_position = {part.position: part for part in parts}
    for each in terms.parts:
        taxes[branches[by_position[each.position].location_id]] += each.tax
    postings = [ledger.debit(chart.sales_tax(USD, branch), tax) for branch, tax in taxes.items()]
    if terms.borne:
        # Tax that PBCEx pays makes the sale of the branch earn less.
        branch = branches[by_position[terms.parts[0].position].location_id]
        postings.append(ledger.debit(chart.sales_premium(USD, branch), terms.borne))
    return postings


def _post_charges(
    terms: RefundTerms, parts: Sequence[SoldPart], branches: Mapping[UUID, UUID]
) -> list[NewPosting]:
    return [
        ledger.debit(account(USD, branch_id), share)
        for account, amount in (
            (chart.sales_shipping, terms.shipping),
            (chart.sales_insurance, terms.insurance),
        )
        for branch_id, share in share_charge(amount, parts, branches).items()
    ]


def share_charge(
    amount: Amount, parts: Sequence[SoldPart], branches: Mapping[UUID, UUID]
) -> dict[UUID, Amount]:
    """Return each branch's share of shipping or insurance, by the price of what it sold."""
    goods: defaultdict[UUID, int] = defaultdict(int)
    for part in parts:
        goods[branches[part.location_id]] += part.price_of(part.sold_units).units
    branch_ids = sorted(goods)
    shares = share_out(amount.units, [goods[branch_id] for branch_id in branch_ids])
    return {
        branch_id: Amount(USD, share) for branch_id, share in zip(branch_ids, shares, strict=True)
    }
