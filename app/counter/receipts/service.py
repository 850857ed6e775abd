"""The verbs of receipts: write one, issue a copy, email it."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.counter.drawers import queries as drawers_queries
from app.counter.drawers.movements import CashAct
from app.counter.receipts import queries
from app.counter.receipts.models import CashReceipt
from app.counter.receipts.queries import ReceiptRow
from app.kit import ids
from app.kit.db import Session
from app.notifications import service as notifications
from app.notifications.kinds import CashReceiptRequested


def write(session: Session, branch_id: UUID, act: CashAct) -> UUID:
    """Write the receipt of an act with a customer, and return its id. Call it last: other receipts
    of the branch wait until the transaction ends."""
    receipt_id = ids.new()
    session.write(
        sa.insert(CashReceipt).values(
            id=receipt_id,
            branch_id=branch_id,
            number=drawers_queries.take_receipt_number(session, branch_id),
            user_id=act.customer_id,
            reference=act.reference,
            written_at=act.at,
        )
    )
    return receipt_id


def issue_copy(session: Session, actor: Actor, receipt_id: UUID) -> ReceiptRow:
    """Count a copy of a receipt, and return the receipt with its number of copies.

    Raises `PermissionDenied` and `NotFound`.
    """
    require(actor, Permission.DRAWERS_WORK)
    receipt = queries.get_receipt(session, actor, receipt_id)
    session.write(
        sa.update(CashReceipt)
        .where(CashReceipt.id == receipt_id)
        .values(issues=CashReceipt.issues + 1)
    )
    issued = queries.get_receipt(session, actor, receipt_id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.RECEIPT_ISSUED,
        subject=receipt.public_id,
        on_behalf_of=receipt.user_id,
        after={"receipt": receipt.name, "copy": str(issued.copy)},
    )
    return issued


def email_copy(session: Session, actor: Actor, receipt_id: UUID) -> None:
    """Email a copy of a receipt to its customer. Raises as `issue_copy`."""
    receipt = issue_copy(session, actor, receipt_id)
    message = CashReceiptRequested(
        receipt.name, receipt.title, receipt.amount, receipt.branch_name, receipt.written_at
    )
    notifications.notify(session, message, to=receipt.user_id, event=ids.encode("evt", ids.new()))
