"""Render a purchase order as PDF: what the supplier is asked to send, and where to."""

from collections.abc import Sequence

from fpdf.enums import Align, XPos, YPos

from app.documents.document_pdf import GREY, INK, SMALL_PT, TEXT_PT, DocumentPdf
from app.fulfillment.restock.purchase_orders.queries import PurchaseLineRow, PurchaseRow
from app.kit.formatting import format_amount, format_count, format_date
from app.vault.locations.queries import LocationSummary

_ROW_MM, _GAP_MM = 4.6, 1.2
_COLUMNS = (
    ("Product", 90.0, Align.L),
    ("Your code", 40.0, Align.L),
    ("Units", 20.0, Align.R),
    ("Cost", 32.0, Align.R),
)


def render_pdf(
    order: PurchaseRow, lines: Sequence[PurchaseLineRow], location: LocationSummary
) -> bytes:
    """Return the purchase order. The same order renders to the same bytes."""
    title = f"Purchase order {order.number}"
    pdf = DocumentPdf(title, f"{title} · in US dollars", order.planned_at)
    pdf.write_title(title)
    pdf.write_fact("Date", format_date(order.planned_at))
    pdf.write_fact("Supplier", order.supplier)
    if order.confirmation:
        pdf.write_fact("Your number", order.confirmation)
    pdf.write_fact("Deliver to", location.name)
    if location.postal is not None:
        pdf.write_fact("", location.postal.in_one_line)
    pdf.write_fact("Payment", f"Within {order.payment_days} days of the invoice")
    pdf.ln(4)
    for head, width, align in _COLUMNS:
        pdf.set_look(SMALL_PT, GREY, bold=True)
        pdf.write_fitting(width, 5, head, align)
    pdf.ln(5)
    pdf.draw_rule()
    pdf.ln(_GAP_MM)
    for line in lines:
        _write_line(pdf, line)
    if order.cost is not None:
        pdf.draw_rule()
        pdf.ln(_GAP_MM)
        pdf.write_fact("Total", format_amount(order.cost))
    return bytes(pdf.output())


def _write_line(pdf: DocumentPdf, line: PurchaseLineRow) -> None:
    pdf.ensure_space(2 * _ROW_MM)
    (_, product_width, _), *others = _COLUMNS
    cost = format_amount(line.cost) if line.cost else ""
    pdf.set_look(TEXT_PT, INK)
    pdf.cell(product_width, _ROW_MM)
    for text, (_, width, align) in zip(
        (line.code, format_count(line.units), cost), others, strict=True
    ):
        pdf.set_look(TEXT_PT, INK)
        pdf.write_fitting(width, _ROW_MM, text, align)
    pdf.set_x(pdf.l_margin)
    pdf.multi_cell(
        product_width,
        _ROW_MM,
        f"{line.product_name} ({line.sku})",
        align=Align.L,
        new_x=XPos.LMARGIN,
        new_y=YPos.NEXT,
    )
    pdf.ln(_GAP_MM)
