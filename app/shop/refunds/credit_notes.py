"""The credit notes of a refund, one of each legal entity whose goods it is about."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.branches.models import Branch
from app.catalog.rules import USD
from app.documents import queries as documents_queries
from app.documents import service as documents
from app.documents.rules import DocumentKind, DocumentLine
from app.documents.service import NewDocument
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.shop.refunds.postings import share_charge
from app.shop.refunds.refundable import RefundableOrder, SoldPart
from app.shop.refunds.rules import PartRefund, RefundTerms
from app.tax.assessment import sum_amounts

_NOTHING = Amount(USD, 0)


def request_credit_notes(
    session: Session,
    order: RefundableOrder,
    refund: PublicId,
    terms: RefundTerms,
    sold: tuple[Sequence[SoldPart], Mapping[UUID, UUID]],
    *,
    at: datetime,
) -> None:
    """Store a credit note to each invoice of an order of which something is given back.

    `sold` are the parts of the order, and the branches of their locations. A credit note says what
    its invoice says of seller and customer.
    """
    parts, branches = sold
    found = sa.select(
        Branch.id.label("branch_id"), Branch.legal_entity_id.label("entity_id")
    ).where(Branch.id.in_(set(branches.values())))
    entities = dict(session.select(lambda branch_id, entity_id: (branch_id, entity_id), found))
    by_position = {part.position: part for part in parts}
    own: defaultdict[UUID, list[PartRefund]] = defaultdict(list)
    for each in terms.parts:
        own[entities[branches[by_position[each.position].location_id]]].append(each)
    shipping = share_charge(terms.shipping, parts, branches)
    insurance = share_charge(terms.insurance, parts, branches)
    for entity_id in sorted(set(entities.values())):
        invoice = documents_queries.get_invoice_content(session, order.public_id, entity_id)
        names = {line.sku: line.name for line in invoice.lines}
        branch_ids = [branch for branch, entity in entities.items() if entity == entity_id]
        content = replace(
            invoice,
            lines=_lines(own[entity_id], by_position, names),
            shipping=sum_amounts(shipping[branch_id] for branch_id in branch_ids),
            insurance=sum_amounts(insurance[branch_id] for branch_id in branch_ids),
            payment=_describe(terms),
        )
        if content.total:
            documents.request_document(
                session,
                NewDocument(
                    DocumentKind.CREDIT_NOTE, entity_id, refund, order.user_id, content, at
                ),
            )


def _lines(
    changed: Sequence[PartRefund], parts: Mapping[int, SoldPart], names: Mapping[str, str]
) -> list[DocumentLine]:
    by_line: defaultdict[int, list[PartRefund]] = defaultdict(list)
    for each in changed:
        by_line[parts[each.position].line_position].append(each)
    return [
        DocumentLine(
            sku,
            names[sku],
            sum(each.units for each in own),
            sum_amounts(each.price for each in own),
            sum_amounts(each.tax for each in own),
            "",
        )
        for own in by_line.values()
        for sku in [parts[own[0].position].sku]
    ]


def _describe(terms: RefundTerms) -> str:
    """Return what went back of the whole refund, and what was kept."""
    text = f"{format_amount(terms.received)} of the order went back"
    kept = [
        f"{format_amount(amount)} for {what}"
        for amount, what in ((terms.loss, "the loss of the metal"), (terms.fee, "the fee"))
        if amount
    ]
    return f"{text}; kept: {', '.join(kept)}" if kept else text
