"""The invoices of a paid order, one of each legal entity whose goods were sold; and the pro-forma
invoice of one that waits for a bank transfer."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.branches.entities.models import LegalEntity
from app.branches.models import Branch
from app.catalog.rules import USD
from app.documents import service as documents
from app.documents.rules import DocumentContent, DocumentKind, DocumentLine, Party
from app.documents.service import NewDocument
from app.identity.models import User
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.formatting import format_amount, format_time
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.kit.statements import compile_select
from app.shop.checkout import rules
from app.shop.checkout.rules import Charges
from app.shop.orders.models import ShopOrder, ShopOrderPart
from app.shop.orders.queries import GoodsOrder, PaidPart
from app.tax.assessment import sum_amounts
from app.vault.locations.models import Location


@dataclass(frozen=True, slots=True)
class _SoldPart:
    line_position: int
    units: int
    price_units: int
    tax_units: int
    branch_id: UUID
    entity_id: UUID
    entity_name: str
    entity_address: dict[str, Any] | None
    entity_tax_number: str | None
    #: The name of the customer.
    customer: str

    @property
    def seller(self) -> Party:
        address = PostalAddress(**self.entity_address).in_one_line if self.entity_address else ""
        return Party(self.entity_name, address, self.entity_tax_number or "")

    @property
    def price(self) -> Amount:
        return Amount(USD, self.price_units)

    @property
    def tax(self) -> Amount:
        return Amount(USD, self.tax_units)


_PARTS = compile_select(
    sa.select(
        ShopOrderPart.line_position,
        ShopOrderPart.units,
        ShopOrderPart.price_units,
        ShopOrderPart.tax_units,
        Location.branch_id,
        LegalEntity.id.label("entity_id"),
        LegalEntity.name.label("entity_name"),
        LegalEntity.address.label("entity_address"),
        LegalEntity.tax_number.label("entity_tax_number"),
        (User.first_name + " " + User.last_name).label("customer"),
    )
    .join(Location, Location.id == ShopOrderPart.location_id)
    .join(Branch, Branch.id == Location.branch_id)
    .join(LegalEntity, LegalEntity.id == Branch.legal_entity_id)
    .join(ShopOrder, ShopOrder.id == ShopOrderPart.order_id)
    .join(User, User.id == ShopOrder.user_id)
    .where(ShopOrderPart.order_id == sa.bindparam("order_id", type_=sa.Uuid))
    .order_by(ShopOrderPart.position)
)


def request_invoices(session: Session, order: GoodsOrder) -> None:
    """Store an invoice of a paid order for each legal entity that sold goods of it.

    Together they are the order's total: each has the goods of its branches, and their shares of
    shipping and insurance as the ledger entry has them.
    """
    assert order.paid_at is not None  # of paid orders only
    parts = _read_parts(session, order)
    charges, customer = _share_charges(order, parts), _customer(order, parts)
    by_entity: defaultdict[UUID, list[_SoldPart]] = defaultdict(list)
    for part in parts:
        by_entity[part.entity_id].append(part)
    for entity_id, own in by_entity.items():
        branch_ids = {part.branch_id for part in own}
        content = DocumentContent(
            own[0].seller,
            customer,
            str(order.number),
            order.placed_at,
            order.paid_at,
            _lines(order, own),
            sum_amounts(charges[branch_id].shipping for branch_id in branch_ids),
            sum_amounts(charges[branch_id].insurance for branch_id in branch_ids),
            "; ".join(map(_describe_payment, order.payments)),
        )
        documents.request_document(
            session,
            NewDocument(
                DocumentKind.INVOICE,
                entity_id,
                order.public_id,
                order.user_id,
                content,
                order.paid_at,
            ),
        )


def draw_up_pro_forma(session: Session, order: GoodsOrder) -> DocumentContent:
    """Return what the pro-forma invoice says of an order that waits for a bank transfer: all its
    goods, where the money is to be sent, and by when. It has no number, and is not kept.

    Raises `NotFound` for an order that does not wait for one.
    """
    payment = order.payment
    if payment.transfer_to is None or payment.amount is None or payment.due_at is None:
        raise NotFound
    parts = _read_parts(session, order)
    sellers = list({part.entity_id: part.seller for part in parts}.values())
    where = "; ".join(
        f"{name.replace('_', ' ').capitalize()}: {text}"
        for name, text in payment.transfer_to.items()
    )
    return DocumentContent(
        sellers[0] if len(sellers) == 1 else Party(", ".join(each.name for each in sellers)),
        _customer(order, parts),
        str(order.number),
        order.placed_at,
        None,
        _lines(order, parts),
        order.shipping,
        order.insurance,
        f"Transfer {format_amount(payment.amount)} until {format_time(payment.due_at)}. {where}",
    )


def _read_parts(session: Session, order: GoodsOrder) -> list[_SoldPart]:
    return session.select(_SoldPart, _PARTS, order_id=order.id)


def _share_charges(order: GoodsOrder, parts: list[_SoldPart]) -> dict[UUID, Charges]:
    goods: defaultdict[UUID, Amount] = defaultdict(lambda: Amount(USD, 0))
    taxes: defaultdict[UUID, Amount] = defaultdict(lambda: Amount(USD, 0))
    for part in parts:
        goods[part.branch_id] += part.price
        taxes[part.branch_id] += part.tax
    return rules.share_charges(goods, taxes, Charges(order.tax, order.shipping, order.insurance))


def _customer(order: GoodsOrder, parts: list[_SoldPart]) -> Party:
    address = order.billing_address or order.shipping_address
    return Party(parts[0].customer, address.in_one_line if address else "")


def _lines(order: GoodsOrder, parts: list[_SoldPart]) -> list[DocumentLine]:
    own: defaultdict[int, list[_SoldPart]] = defaultdict(list)
    for part in parts:
        own[part.line_position].append(part)
    return [
        DocumentLine(
            line.sku,
            line.name,
            sum(part.units for part in own[position]),
            sum_amounts(part.price for part in own[position]),
            sum_amounts(part.tax for part in own[position]),
            line.tax_reason,
        )
        for position, line in enumerate(order.lines)
        if position in own
    ]


def _describe_payment(payment: PaidPart) -> str:
    given = format_amount(payment.given)
    if payment.bid is None:
        return f"{payment.method.label}: {given}"
    return f"{payment.method.label}: {given} for {format_amount(payment.dollars)}"
