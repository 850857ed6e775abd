"""Render the packing slip of a shipment as PDF: what is in it, without prices."""

from collections.abc import Sequence

from fpdf.enums import Align, XPos, YPos

from app.documents.document_pdf import GREY, INK, SMALL_PT, TEXT_PT, DocumentPdf
from app.fulfillment.shipments.queries import ShipmentLineRow, ShipmentRow
from app.kit.formatting import format_count, format_date

_ROW_MM, _GAP_MM = 4.6, 1.2
_COLUMNS = (("Product", 110.0, Align.L), ("Serial", 50.0, Align.L), ("Units", 22.0, Align.R))


def render_pdf(shipment: ShipmentRow, lines: Sequence[ShipmentLineRow], customer: str) -> bytes:
    """Return the packing slip. The same shipment renders to the same bytes."""
    title = f"Packing slip {shipment.number}"
    pdf = DocumentPdf(title, title, shipment.requested_at)
    pdf.write_title(title)
    pdf.write_fact("Date", format_date(shipment.requested_at))
    pdf.write_fact("For", shipment.subject.words.capitalize())
    pdf.write_fact("Customer", customer)
    address = shipment.address
    if address is not None:
        pdf.write_fact("Recipient", address.recipient or customer)
        pdf.write_fact("", address.in_one_line)
    pdf.ln(4)
    for head, width, align in _COLUMNS:
        pdf.set_look(SMALL_PT, GREY, bold=True)
        pdf.write_fitting(width, 5, head, align)
    pdf.ln(5)
    pdf.draw_rule()
    pdf.ln(_GAP_MM)
    for line in lines:
        _write_line(pdf, line)
    return bytes(pdf.output())


def _write_line(pdf: DocumentPdf, line: ShipmentLineRow) -> None:
    pdf.ensure_space(2 * _ROW_MM)
    (_, product_width, _), (_, serial_width, _), (_, units_width, units_align) = _COLUMNS
    pdf.set_look(TEXT_PT, INK)
    pdf.cell(product_width, _ROW_MM)
    pdf.write_fitting(serial_width, _ROW_MM, str(line.bar) if line.bar else "")
    pdf.set_look(TEXT_PT, INK)
    pdf.write_fitting(units_width, _ROW_MM, format_count(line.units), units_align)
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
