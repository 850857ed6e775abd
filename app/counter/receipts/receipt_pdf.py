"""Render a receipt as PDF on paper of 80 mm."""

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from app.counter.receipts.queries import ReceiptRow
from app.documents.document_pdf import FAMILY, FONTS
from app.kit.formatting import format_amount, format_time

_WIDTH_MM, _HEIGHT_MM, _MARGIN_MM, _LINE_MM = 80, 110, 5, 4.6


def render_pdf(receipt: ReceiptRow) -> bytes:
    """Return the receipt, marked as the copy that it is. The same copy renders to the same
    bytes."""
    pdf = FPDF(format=(_WIDTH_MM, _HEIGHT_MM), unit="mm")
    pdf.set_margins(_MARGIN_MM, _MARGIN_MM)
    pdf.set_auto_page_break(auto=False)
    for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        pdf.add_font(FAMILY, style, FONTS / name)
    pdf.set_title(f"Receipt {receipt.name}")
    pdf.set_lang("en")
    pdf.set_creation_date(receipt.written_at)
    pdf.add_page()
    _write(pdf, receipt.company, 11, bold=True)
    _write(pdf, receipt.branch_name, 9)
    if receipt.address is not None:
        _write(pdf, receipt.address.in_one_line, 8)
    pdf.ln(2)
    if receipt.copy:
        _write(pdf, f"COPY {receipt.copy}", 13, bold=True)
    _write(pdf, f"Receipt {receipt.name}", 9, bold=True)
    _write(pdf, f"{format_time(receipt.written_at)}, till {receipt.till_code}", 8)
    pdf.ln(2)
    _write(pdf, receipt.title, 10, bold=True)
    _write(pdf, format_amount(receipt.amount), 13, bold=True)
    pdf.ln(2)
    _write(pdf, f"Customer {receipt.customer}", 8)
    _write(pdf, receipt.reference, 7)
    return bytes(pdf.output())


def _write(pdf: FPDF, text: str, size: float, *, bold: bool = False) -> None:
    pdf.set_font(FAMILY, "B" if bold else "", size)
    pdf.multi_cell(0, _LINE_MM + size / 6, text, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
