"""The sales tax of what a customer keeps of an order, and what changes of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from app.catalog.rules import USD
from app.kit.db import Session
from app.kit.money import Amount
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import PartRefund
from app.tax import queries as tax_queries
from app.tax.assessment import Assessment, TaxableLine, TaxDestination
from app.vault.lots.rules import share_out

_NOTHING = Amount(USD, 0)


def reassess_parts(
    session: Session,
    order: RefundableOrder,
    parts: Sequence[SoldPart],
    returned: Mapping[int, int],
) -> tuple[list[PartRefund], Amount]:
    """Return the parts of an order that change when so many units of them, by position, come back,
    and what PBCEx bears of the tax that becomes due.

    By the rules of the sale: where what is left falls below a threshold, the tax of goods that stay
    changes too. Goods that are taxed in several places are as many invoices.
    """
    taxes: dict[int, Amount] = {}
    borne = _NOTHING
    for destination in dict.fromkeys(part.taxed_at(order.destination) for part in parts):
        own = [part for part in parts if part.taxed_at(order.destination) == destination]
        own_taxes, own_borne = _reassess(session, order, destination, own, returned)
        taxes |= own_taxes
        borne += own_borne
    changed = [
        PartRefund(part.position, units, part.price_of(units), part.tax - taxes[part.position])
        for part in parts
        for units in [returned.get(part.position, 0)]
    ]
    return [part for part in changed if part.units or part.tax], borne


def _reassess(
    session: Session,
    order: RefundableOrder,
    destination: TaxDestination,
    parts: Sequence[SoldPart],
    returned: Mapping[int, int],
) -> tuple[dict[int, Amount], Amount]:
    """Return the tax of what stays, by the position of the part."""
    sold = {part.position: part.price_of(part.sold_units) for part in parts}
    kept = {part.position: part.price_of(part.units) for part in parts}
    left = {
        part.position: part.price_of(part.units - returned.get(part.position, 0)) for part in parts
    }
    original = tax_queries.assess_invoice(
        session, _lines(parts, sold), destination, customer_id=order.user_id, at=order.placed_at
    )
    before = tax_queries.reassess_invoice(session, original, _lines(parts, kept)).remaining
    change = tax_queries.reassess_invoice(session, before, _lines(parts, left))
    return _share_taxes(change.remaining, parts, left), change.borne


def assess_left(
    session: Session,
    order: RefundableOrder,
    parts: Sequence[SoldPart],
    destination: TaxDestination,
) -> dict[int, Amount]:
    """Return what the tax of what is left of an order would be at another place, by the rules of
    the sale and by the position of the part."""
    left = {part.position: part.price_of(part.units) for part in parts}
    assessment = tax_queries.assess_invoice(
        session, _lines(parts, left), destination, customer_id=order.user_id, at=order.placed_at
    )
    return _share_taxes(assessment, parts, left)


def _share_taxes(
    assessment: Assessment, parts: Sequence[SoldPart], prices: Mapping[int, Amount]
) -> dict[int, Amount]:
    taxes = dict.fromkeys(prices, _NOTHING)
    for line in assessment.lines:
        own = [part for part in parts if str(part.line_position) == line.line.id]
        shares = share_out(line.tax.units, [prices[part.position].units for part in own])
        taxes |= {
            part.position: Amount(USD, share) for part, share in zip(own, shares, strict=True)
        }
    return taxes


def _lines(parts: Sequence[SoldPart], prices: Mapping[int, Amount]) -> list[TaxableLine]:
    """Return the lines of an invoice with these prices of its parts, without those of nothing."""
    sums: defaultdict[int, Amount] = defaultdict(lambda: _NOTHING)
    for part in parts:
        sums[part.line_position] += prices[part.position]
    by_line = {part.line_position: part for part in parts}
    return [
        TaxableLine(str(position), price, of.tax_class, of.metal, of.fineness)
        for position, of in by_line.items()
        if (price := sums[position])
    ]


def return_everything(parts: Sequence[SoldPart]) -> list[PartRefund]:
    """Return all that is left of the parts, with all of their tax: nothing stays to be taxed."""
    return [
        PartRefund(part.position, part.units, part.price_of(part.units), part.tax)
        for part in parts
        if part.units or part.tax
    ]
