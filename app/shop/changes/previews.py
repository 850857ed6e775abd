"""What staff see before they give units of an order back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.kit.db import Session
from app.kit.money import Amount
from app.settings.queries import current
from app.shop.changes import reductions
from app.shop.orders.rules import OrderStatus
from app.shop.refunds import by_staff, refundable
from app.shop.refunds import service as refunds
from app.shop.refunds.by_staff import RefundRequest, RefundRules
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import RefundTerms
from app.shop.refunds.service import PaidBack
from app.tax.assessment import sum_amounts


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """What a refund would give back now, and where each part of it would go."""

    number: int
    goods_text: str
    terms: RefundTerms
    tax_before: Amount
    payments: Sequence[PaidBack]
    goods_stay: bool
    #: Whether a second person would have to approve it.
    takes_two: bool

    @property
    def tax_after(self) -> Amount:
        """The sales tax of what stays."""
        return self.tax_before - self.terms.tax

    @property
    def keeps(self) -> bool:
        """Whether a loss or a fee stays with us."""
        return bool(self.terms.loss or self.terms.fee)


def preview_refund(session: Session, order_id: UUID, request: RefundRequest) -> RefundPreview:
    """Return what a refund by staff would give back. Changes nothing, but locks the order and its
    deposit. Raises what `by_staff.draw_up` raises, and `NotFound`."""
    order = refundable.lock_order(session, order_id)
    parts = refundable.list_parts(session, order.id)
    terms = by_staff.draw_up(session, order, parts, request)
    takes_two = current(session, RefundRules).approval_from <= terms.received
    return _preview(session, order, parts, terms, takes_two=takes_two)


def preview_reduction(
    session: Session, order_id: UUID, quantities: Mapping[int, int]
) -> RefundPreview:
    """Return what fewer units would give back, as `preview_refund` does. Raises what
    `reductions.quote` raises."""
    terms = reductions.quote(session, order_id, quantities)
    order = refundable.lock_order(session, order_id)
    parts = refundable.list_parts(session, order.id)
    return _preview(session, order, parts, terms, takes_two=False)


def _preview(
    session: Session,
    order: RefundableOrder,
    parts: Sequence[SoldPart],
    terms: RefundTerms,
    *,
    takes_two: bool,
) -> RefundPreview:
    skus = {part.position: part.sku for part in parts}
    goods = ", ".join(f"{each.units} x {skus[each.position]}" for each in terms.parts if each.units)
    return RefundPreview(
        order.number,
        goods,
        terms,
        sum_amounts(part.tax for part in parts),
        refunds.share_out(session, order, terms.received),
        order.status is not OrderStatus.ALLOCATED,
        takes_two,
    )
