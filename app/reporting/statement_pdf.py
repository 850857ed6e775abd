"""Render a statement as PDF: A4 pages with a table whose head is repeated on each page.

The same statement renders to the same bytes.
"""

from datetime import datetime

from fpdf.enums import Align

from app.documents.document_pdf import FAMILY, GREY, INK, MARGIN_MM, SMALL_PT, TEXT_PT, DocumentPdf
from app.kit.formatting import format_amount, format_exact_time, format_figure
from app.kit.money import Amount
from app.reporting.statements import AccountStatement, AssetStatement, StatementLine

# Time, movement, amount, balance.
_WIDTHS_MM = (42.0, 68.0, 36.0, 36.0)
_HEADS = ("Time", "Movement", "Amount", "Balance")
_ROW_MM, _REFERENCE_MM, _GAP_MM = 4.6, 3.8, 1.2


def render_pdf(statement: AccountStatement) -> bytes:
    """Return the statement as a PDF. A name with letters that the font lacks is left out: the email
    address and the customer number identify the customer."""
    pdf = _StatementPdf(statement)
    pdf.write_letterhead()
    sections = [section for section in statement.asset_statements if not section.is_empty]
    for section in sections:
        pdf.write_section(section)
    if not sections:
        pdf.write_note("This account had no balance and no movements in this period.")
    return bytes(pdf.output())


class _StatementPdf(DocumentPdf):
    """The pages of a statement."""

    def __init__(self, statement: AccountStatement) -> None:
        self._statement = statement
        #: The section in progress: its table head is repeated on a new page.
        self._open_section: AssetStatement | None = None
        super().__init__(
            f"Statement of the {statement.account} account",
            f"{statement.customer_public_id} · {statement.account} account",
            statement.period.end,
        )

    def write_letterhead(self) -> None:
        """Write the company, the title, the period and the customer."""
        statement = self._statement
        self.write_title(f"Statement of your {statement.account} account")
        self.set_look(TEXT_PT, INK)
        start, end = map(format_exact_time, (statement.period.start, statement.period.end))
        self.write_fact("Period", f"{start} to {end}, end not included")
        self._write_customer()
        self.ln(3)

    def write_section(self, section: AssetStatement) -> None:
        """Write the table of one asset, from its opening to its closing balance."""
        self.ensure_space(32)
        self.ln(4)
        self.set_look(11, INK, bold=True)
        self.write_text(section.asset.code, 7)
        self._write_table_head()
        self._open_section = section
        self._write_balance("Opening balance", section.opening, self._statement.period.start)
        for line in section.lines:
            self._write_movement(line)
        self._write_balance("Closing balance", section.closing, self._statement.period.end)
        self._open_section = None
        self.set_look(SMALL_PT, GREY)
        credited, debited = format_amount(section.credits), format_amount(section.debits)
        held = f"; held at the end: {format_amount(section.held)}" if section.held else ""
        summary = f"Movements: {len(section.lines)}; in: {credited}; out: {debited}{held}"
        self.write_text(summary, 5)
        if section.owed:
            owed = format_amount(section.owed)
            self.write_text(f"Owed to us, not part of this balance: {owed}", 5)

    def _write_customer(self) -> None:
        statement = self._statement
        if self._has_glyphs_for(statement.customer_name):
            # Arabic and Hebrew run from right to left with joined letters; tables never need that.
            self.set_text_shaping(use_shaping_engine=True)
            self.write_fact("Customer", statement.customer_name)
            self.set_text_shaping(use_shaping_engine=False)
        if self._has_glyphs_for(statement.customer_email):
            self.write_fact("Email", statement.customer_email)
        self.write_fact("Customer number", statement.customer_public_id)

    def _has_glyphs_for(self, text: str) -> bool:
        letters = self.fonts[FAMILY.lower()].cmap  # type: ignore[union-attr] # never a core font
        return all(ord(character) in letters for character in text)

    def _write_table_head(self) -> None:
        self.set_look(SMALL_PT, GREY, bold=True)
        for head, width in zip(_HEADS, _WIDTHS_MM, strict=True):
            self.cell(width, 5, head, align=Align.R if head in _HEADS[2:] else Align.L)
        self.ln(5)
        self.draw_rule()
        self.ln(_GAP_MM)

    def _write_balance(self, label: str, balance: Amount, at: datetime) -> None:
        self.ensure_space(_ROW_MM + _GAP_MM)
        self._write_row(format_exact_time(at), label, "", format_figure(balance), bold=True)
        self.ln(_ROW_MM)
        self.draw_rule()
        self.ln(_GAP_MM)

    def _write_movement(self, line: StatementLine) -> None:
        movement = line.movement
        self.ensure_space(_ROW_MM + _REFERENCE_MM * (1 + len(line.details)) + _GAP_MM)
        self._write_row(
            format_exact_time(movement.posted_at),
            line.description,
            format_figure(movement.amount),
            format_figure(line.balance),
        )
        self.ln(_ROW_MM)
        self.set_look(SMALL_PT, GREY)
        self.set_x(MARGIN_MM + _WIDTHS_MM[0])
        fee = f" · fee included: {format_amount(movement.fee)}" if movement.fee else ""
        self.write_fitting(
            _WIDTHS_MM[1] + _WIDTHS_MM[2], _REFERENCE_MM, f"{movement.reference}{fee}"
        )
        self.ln(_REFERENCE_MM)
        for detail in line.details:
            self.set_look(SMALL_PT, GREY)
            self.set_x(MARGIN_MM + _WIDTHS_MM[0])
            self.write_fitting(sum(_WIDTHS_MM[1:]), _REFERENCE_MM, detail)
            self.ln(_REFERENCE_MM)
        self.ln(_GAP_MM)

    def _write_row(
        self, at: str, label: str, amount: str, balance: str, *, bold: bool = False
    ) -> None:
        time, movement, *numbers = _WIDTHS_MM
        self.set_look(TEXT_PT, INK)
        self.cell(time, _ROW_MM, at)
        self.set_look(TEXT_PT, INK, bold=bold)
        self.write_fitting(movement, _ROW_MM, label)
        for text, width in zip((amount, balance), numbers, strict=True):
            self.set_look(TEXT_PT, INK, bold=bold)
            self.write_fitting(width, _ROW_MM, text, Align.R)

    def continue_page(self) -> None:
        """Repeat the name of the asset and the head of its table."""
        if self._open_section is not None:
            self.set_look(TEXT_PT, GREY)
            self.write_text(f"{self._open_section.asset.code}, continued", 6)
            self._write_table_head()
