"""Render an invoice as PDF. The same invoice renders to the same bytes."""

from datetime import datetime

from fpdf.enums import Align, XPos, YPos

from app.documents.document_pdf import GREY, INK, MARGIN_MM, SMALL_PT, TEXT_PT, DocumentPdf
from app.documents.rules import DocumentContent, DocumentLine, Party
from app.kit.formatting import format_amount, format_count, format_date
from app.kit.money import Amount

_ROW_MM, _GAP_MM = 4.6, 1.2
#: Product, units, price, sales tax.
_COLUMNS = (
    ("Product", 100.0, Align.L),
    ("Units", 22.0, Align.R),
    ("Price", 30.0, Align.R),
    ("Sales tax", 30.0, Align.R),
)


def render_pdf(title: str, issued_at: datetime, content: DocumentContent) -> bytes:
    """Return the invoice as a PDF."""
    pdf = _InvoicePdf(title, issued_at, content)
    pdf.write_invoice()
    return bytes(pdf.output())


class _InvoicePdf(DocumentPdf):
    """The pages of an invoice."""

    def __init__(self, title: str, issued_at: datetime, content: DocumentContent) -> None:
        self._content = content
        self._is_in_table = False
        super().__init__(title, f"{title} · in US dollars", issued_at)
        self.write_title(title)
        self.write_fact("Date", format_date(issued_at))
        self.write_fact("Order", content.order_number)

    def write_invoice(self) -> None:
        """Write who sold what to whom, and what was paid."""
        content = self._content
        self._write_party("Seller", content.seller)
        self._write_party("Customer", content.customer)
        self.ln(4)
        self._is_in_table = True
        self._write_head()
        for line in content.lines:
            self._write_line(line)
        self._is_in_table = False
        for name, amount in (
            ("Goods", content.goods),
            ("Shipping", content.shipping),
            ("Insurance", content.insurance),
            ("Sales tax", content.tax),
        ):
            self._write_sum(name, amount)
        self._write_sum("Total", content.total, bold=True)
        self.ln(4)
        paid = f"The order was paid on {format_date(content.paid_at)}. " if content.paid_at else ""
        self.write_note(f"{paid}{content.payment}.")

    def continue_page(self) -> None:
        """Repeat the head of the table in progress."""
        if self._is_in_table:
            self._write_head()

    def _write_party(self, role: str, party: Party) -> None:
        self.write_fact(role, party.name)
        if party.address:
            self.write_fact("", party.address)
        if party.tax_number:
            self.write_fact("Tax number", party.tax_number)

    def _write_head(self) -> None:
        for head, width, align in _COLUMNS:
            self.set_look(SMALL_PT, GREY, bold=True)
            self.write_fitting(width, 5, head, align)
        self.ln(5)
        self.draw_rule()
        self.ln(_GAP_MM)

    def _write_line(self, line: DocumentLine) -> None:
        self.ensure_space(3 * _ROW_MM)
        (_, product_width, _), *figures = _COLUMNS
        self.set_look(TEXT_PT, INK)
        self.cell(product_width, _ROW_MM)
        texts = format_count(line.quantity), format_amount(line.price), format_amount(line.tax)
        for text, (_, width, align) in zip(texts, figures, strict=True):
            self.set_look(TEXT_PT, INK)
            self.write_fitting(width, _ROW_MM, text, align)
        self.set_x(MARGIN_MM)
        self._write_product(f"{line.name} ({line.sku})", _ROW_MM)
        if line.tax_reason:
            self.set_look(SMALL_PT, GREY)
            self._write_product(line.tax_reason, 3.6)
        self.ln(_GAP_MM)
        self.draw_rule()
        self.ln(_GAP_MM)

    def _write_product(self, text: str, height: float) -> None:
        """Write a text below the head of the products, in as many lines as it takes."""
        width = _COLUMNS[0][1]
        self.multi_cell(width, height, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _write_sum(self, name: str, amount: Amount, *, bold: bool = False) -> None:
        self.ensure_space(_ROW_MM)
        (_, first, _), (_, second, _), (_, third, _), (_, last, _) = _COLUMNS
        self.set_look(TEXT_PT, INK, bold=bold)
        self.cell(first + second, _ROW_MM)
        self.cell(third, _ROW_MM, name, align=Align.R)
        self.set_look(TEXT_PT, INK, bold=bold)
        self.write_fitting(last, _ROW_MM, format_amount(amount), Align.R)
        self.ln(_ROW_MM)
