"""The verbs of suppliers' invoices: record one, reject it; two people accept one that differs, and
pay."""

from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.approvals.rules import clean_reason
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.provider_ids import BANK
from app.catalog.rules import USD
from app.fulfillment.restock.errors import NothingToInvoice, PurchaseMovedOn, WrongInvoiceStatus
from app.fulfillment.restock.invoices import queries
from app.fulfillment.restock.invoices.models import SupplierInvoice
from app.fulfillment.restock.invoices.queries import InvoiceRow
from app.fulfillment.restock.invoices.rules import PREFIX, TRANSITIONS, InvoiceStatus
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.fulfillment.restock.purchase_orders.rules import RestockRules
from app.fulfillment.restock.receiving.models import PurchaseReceipt
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_date, format_exact_amount
from app.kit.money import Amount, InvalidAmount
from app.ledger import chart
from app.ledger import service as ledger
from app.settings.queries import current
from app.vault.rules import clean_text

ACCEPT, PAY = "supplier_invoice.accept", "supplier_invoice.pay"
_S = InvoiceStatus


def record_invoice(
    session: Session, actor: Actor, order_id: UUID, *, number: str, amount: str, invoiced_on: date
) -> UUID:
    """Record the invoice for what arrived of an order and has none yet, and return its id. It is
    accepted at once if it differs by no more than the settings allow.

    Raises `PermissionDenied`, `NotFound`, `NothingToInvoice`, `InvoiceRecorded`, and `Invalid`
    naming the field.
    """
    require(actor, Permission.PURCHASES_ORDER)
    order = purchases_queries.lock_purchase(session, order_id)
    if order.ordered_at is None:
        raise PurchaseMovedOn
    if invoiced_on > clock.now().date():
        raise Invalid("invoiced_on", "Enter the date of the invoice, which is not in the future.")
    asked, invoice_id = parse_sum(amount), ids.new()
    waiting = PurchaseReceipt.order_id == order.id, PurchaseReceipt.invoice_id.is_(None)
    received = sum(
        session.select(
            lambda cost_usd: cost_usd, sa.select(PurchaseReceipt.cost_usd).where(*waiting)
        )
    )
    if not received:
        raise NothingToInvoice
    variance = asked.units - received
    is_accepted = abs(variance) <= current(session, RestockRules).variance_max.units
    values = {
        "number": clean_text("number", number),
        "amount_usd": asked.units,
        "received_usd": received,
        "status": _S.ACCEPTED if is_accepted else _S.DIFFERS,
    }
    session.write(
        sa.insert(SupplierInvoice).values(
            id=invoice_id,
            order_id=order.id,
            supplier_id=order.supplier_id,
            branch_id=order.branch_id,
            invoiced_on=invoiced_on,
            due_on=invoiced_on + timedelta(days=order.payment_days),
            recorded_by=actor.user_id,
            recorded_at=clock.now(),
            **values,
        )
    )
    session.write(sa.update(PurchaseReceipt).where(*waiting).values(invoice_id=invoice_id))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.SUPPLIER_INVOICE_RECORDED,
        subject=ids.encode(PREFIX, invoice_id),
        after={"order": order.public_id, **values},
    )
    if is_accepted:
        _post_variance(session, queries.get_invoice(session, invoice_id))
    return invoice_id


def parse_sum(text: str) -> Amount:
    """Return a sum of US dollars. Raises `Invalid` naming `amount`."""
    try:
        return Amount.parse(USD, text)
    except InvalidAmount as error:
        raise Invalid("amount", "Enter the sum in US dollars, like 39900.00.") from error


def reject_invoice(session: Session, actor: Actor, invoice_id: UUID, *, reason: str) -> None:
    """Reject an invoice that differs: another one asks for its goods. Raises `PermissionDenied`,
    `NotFound`, `WrongInvoiceStatus`, and `Invalid` for the reason."""
    require(actor, Permission.PURCHASES_ORDER)
    reason = clean_reason(reason)
    invoice = queries.lock_invoice(session, invoice_id)
    _change(session, actor, invoice, _S.REJECTED, reason=reason)
    session.write(
        sa.update(PurchaseReceipt)
        .where(PurchaseReceipt.invoice_id == invoice.id)
        .values(invoice_id=None)
    )


def request_acceptance(session: Session, actor: Actor, invoice_id: UUID, *, reason: str) -> UUID:
    """Request that an invoice is accepted as it is, which a second person approves; return the
    request's id. Raises `PermissionDenied`, `NotFound`, `WrongInvoiceStatus`, `ApprovalPending`,
    and `Invalid` for the reason."""
    invoice = ids.encode(PREFIX, invoice_id)
    return approvals.request_approval(
        session, actor, ACCEPT, {"invoice": invoice}, subject=invoice, reason=reason
    )


def request_payment(
    session: Session, actor: Actor, invoice_id: UUID, *, bank_reference: str, reason: str
) -> UUID:
    """Request that an accepted invoice is paid by a bank transfer with this number, which a second
    person approves; return the request's id. Raises as `request_acceptance` does, and `Invalid`
    naming `bank_reference`."""
    invoice = ids.encode(PREFIX, invoice_id)
    payload = {"invoice": invoice, "bank_reference": clean_text("bank_reference", bank_reference)}
    return approvals.request_approval(session, actor, PAY, payload, subject=invoice, reason=reason)


def _post_variance(session: Session, invoice: InvoiceRow) -> None:
    """Book by how much an accepted invoice asks for more or less than was booked."""
    if not invoice.variance:
        return
    ledger.post(
        session,
        cause="purchase_variance",
        reference=f"{invoice.public_id}:accepted",
        posted_at=clock.now(),
        postings=[
            ledger.debit(chart.purchase_variance(USD, invoice.branch_id), invoice.variance),
            ledger.credit(chart.payables(USD, invoice.branch_id), invoice.variance),
        ],
    )


def _change(
    session: Session,
    actor: Actor,
    invoice: InvoiceRow,
    status: InvoiceStatus,
    *,
    reason: str,
    **values: object,
) -> None:
    if not TRANSITIONS.allows(invoice.status, status):
        raise WrongInvoiceStatus
    session.write(
        sa.update(SupplierInvoice)
        .where(SupplierInvoice.id == invoice.id)
        .values(status=TRANSITIONS.transition(invoice.status, status), **values)
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.SUPPLIER_INVOICE_CHANGED,
        subject=invoice.public_id,
        before={"status": invoice.status},
        after={"status": status},
        reason=reason,
    )


def _lock(session: Session, payload: TextFields, status: InvoiceStatus) -> InvoiceRow:
    invoice = queries.lock_invoice(session, ids.decode(PREFIX, payload["invoice"]))
    if invoice.status is not status:
        raise WrongInvoiceStatus
    return invoice


def _write(amount: Amount) -> str:
    return f"{amount} {amount.asset.code}"


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    """Return what is accepted, or paid: the request of a payment names its transfer."""
    is_payment = "bank_reference" in payload
    invoice = _lock(session, payload, _S.ACCEPTED if is_payment else _S.DIFFERS)
    facts = {
        "supplier": invoice.supplier,
        "number": invoice.number,
        "amount": _write(invoice.amount),
        "received": _write(invoice.received),
        "order": str(invoice.order_number),
        "due": format_date(invoice.due_on),
    }
    if is_payment:
        facts["bank_reference"] = payload["bank_reference"]
    after = InvoiceStatus.PAID if is_payment else InvoiceStatus.ACCEPTED
    return ProposedChange({"status": invoice.status.label}, {"status": after.label, **facts})


def _check_nothing(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission, and two people."""


def _accept(session: Session, approved: ApprovedRequest) -> None:
    invoice = _lock(session, approved.payload, _S.DIFFERS)
    _change(session, approved.checker, invoice, _S.ACCEPTED, reason=approved.reason)
    _post_variance(session, invoice)


def _pay(session: Session, approved: ApprovedRequest) -> None:
    invoice, now = _lock(session, approved.payload, _S.ACCEPTED), clock.now()
    _change(
        session,
        approved.checker,
        invoice,
        _S.PAID,
        reason=approved.reason,
        paid_at=now,
        bank_reference=approved.payload["bank_reference"],
    )
    ledger.post(
        session,
        cause="supplier_paid",
        reference=f"{invoice.public_id}:paid",
        posted_at=now,
        postings=[
            ledger.debit(chart.payables(USD, invoice.branch_id), invoice.amount),
            ledger.credit(chart.bank(USD, BANK), invoice.amount),
        ],
    )


def _describe(_session: Session, _actor: Actor, _subject: str) -> TextFields:
    """Return nothing: the request has all."""
    return {}


_FORMATS = dict.fromkeys(("amount", "received"), format_exact_amount)
approvals_registry.register(
    ApprovalAction(
        ACCEPT,
        "Accept an invoice that differs",
        Permission.SUPPLIERS_PAY,
        _compare,
        _check_nothing,
        _accept,
        _describe,
        lambda fields: f"accept the invoice of {fields['supplier']}",
        _FORMATS,
        follows="The difference becomes a variance of the price, and the invoice can be paid.",
    )
)
approvals_registry.register(
    ApprovalAction(
        PAY,
        "Pay a supplier",
        Permission.SUPPLIERS_PAY,
        _compare,
        _check_nothing,
        _pay,
        _describe,
        lambda fields: f"pay {fields['supplier']}",
        _FORMATS,
        follows="The bank transfer is booked. Make it at the bank under this number.",
    )
)
