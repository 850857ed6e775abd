"""Render a statement as PDF: A4 pages with a table whose head is repeated on each page.

The same statement renders to the same bytes: nothing in it depends on when or where it is rendered.
"""

from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from app.kit.formatting import format_amount, format_exact_time, format_figure
from app.kit.money import Amount
from app.reporting.statements import AccountStatement, AssetStatement, StatementLine

_FONTS = Path(__file__).parent.parent / "static" / "vendor" / "dejavu"
_FAMILY = "DejaVu"
_MARGIN_MM = 14.0
_FOOT_MM = 18.0
# Time, movement, amount, balance.
_WIDTHS_MM = (42.0, 68.0, 36.0, 36.0)
_HEADS = ("Time", "Movement", "Amount", "Balance")
_ROW_MM, _REFERENCE_MM, _GAP_MM = 4.6, 3.8, 1.2
_TEXT_PT, _SMALL_PT, _SMALLEST_PT = 8.5, 7.0, 4.0
_INK, _GREY, _RULE = (20, 24, 32), (96, 102, 112), (196, 200, 208)
_COMPANY = "PBCEx"
_COMPANY_FULL_NAME = "People’s Bank & Commodities Exchange"


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


class _StatementPdf(FPDF):
    """The pages, written from the top down."""

    def __init__(self, statement: AccountStatement) -> None:
        super().__init__(format="A4", unit="mm")
        self._statement = statement
        #: The section in progress: its table head is repeated on a new page.
        self._open_section: AssetStatement | None = None
        self.set_margins(_MARGIN_MM, _MARGIN_MM)
        self.set_auto_page_break(auto=False)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(_FAMILY, style, _FONTS / name)
        self.set_title(f"Statement of the {statement.account} account")
        self.set_author(f"{_COMPANY}, {_COMPANY_FULL_NAME}")
        self.set_lang("en")
        self.set_creation_date(statement.period.end)
        self.add_page()

    def footer(self) -> None:
        """Write the footer of the current page (called by FPDF)."""
        self.set_y(-_FOOT_MM + 6)
        self._set_style(_SMALL_PT, _GREY)
        statement = self._statement
        # Aligned left: the width of the number of pages is not known yet.
        self.cell(0, 4, f"Page {self.page_no()} of {{nb}}")
        self.set_x(_MARGIN_MM)
        self.cell(
            0, 4, f"{statement.customer_public_id} · {statement.account} account", align=Align.R
        )

    def write_letterhead(self) -> None:
        """Write the company, the title, the period and the customer."""
        statement = self._statement
        self._set_style(18, _INK, bold=True)
        self._write_line(_COMPANY, 8)
        self._set_style(_TEXT_PT, _GREY)
        self._write_line(_COMPANY_FULL_NAME, 5)
        self._draw_rule()
        self.ln(5)
        self._set_style(13, _INK, bold=True)
        self._write_line(f"Statement of your {statement.account} account", 8)
        self._set_style(_TEXT_PT, _INK)
        start, end = map(format_exact_time, (statement.period.start, statement.period.end))
        self._write_fact("Period", f"{start} to {end}, end not included")
        self._write_customer()
        self.ln(3)

    def write_section(self, section: AssetStatement) -> None:
        """Write the table of one asset, from its opening to its closing balance."""
        self._ensure_space(32)
        self.ln(4)
        self._set_style(11, _INK, bold=True)
        self._write_line(section.asset.code, 7)
        self._write_table_head()
        self._open_section = section
        self._write_balance("Opening balance", section.opening, self._statement.period.start)
        for line in section.lines:
            self._write_movement(line)
        self._write_balance("Closing balance", section.closing, self._statement.period.end)
        self._open_section = None
        self._set_style(_SMALL_PT, _GREY)
        credited, debited = format_amount(section.credits), format_amount(section.debits)
        held = f"; held at the end: {format_amount(section.held)}" if section.held else ""
        summary = f"Movements: {len(section.lines)}; in: {credited}; out: {debited}{held}"
        self._write_line(summary, 5)
        if section.owed:
            owed = format_amount(section.owed)
            self._write_line(f"Owed to us, not part of this balance: {owed}", 5)

    def write_note(self, text: str) -> None:
        """Write a sentence in place of tables."""
        self._set_style(_TEXT_PT, _GREY)
        self._write_line(text, 6)

    def _write_customer(self) -> None:
        statement = self._statement
        if self._has_glyphs_for(statement.customer_name):
            # Arabic and Hebrew run from right to left with joined letters; tables never need that.
            self.set_text_shaping(use_shaping_engine=True)
            self._write_fact("Customer", statement.customer_name)
            self.set_text_shaping(use_shaping_engine=False)
        if self._has_glyphs_for(statement.customer_email):
            self._write_fact("Email", statement.customer_email)
        self._write_fact("Customer number", statement.customer_public_id)

    def _has_glyphs_for(self, text: str) -> bool:
        letters = self.fonts[_FAMILY.lower()].cmap  # type: ignore[union-attr] # never a core font
        return all(ord(character) in letters for character in text)

    def _write_fact(self, name: str, value: str) -> None:
        self._set_style(_TEXT_PT, _GREY)
        self.cell(30, 5, name)
        self._set_style(_TEXT_PT, _INK)
        self.multi_cell(0, 5, value, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _write_table_head(self) -> None:
        self._set_style(_SMALL_PT, _GREY, bold=True)
        for head, width in zip(_HEADS, _WIDTHS_MM, strict=True):
            self.cell(width, 5, head, align=Align.R if head in _HEADS[2:] else Align.L)
        self.ln(5)
        self._draw_rule()
        self.ln(_GAP_MM)

    def _write_balance(self, label: str, balance: Amount, at: datetime) -> None:
        self._ensure_space(_ROW_MM + _GAP_MM)
        self._write_row(format_exact_time(at), label, "", format_figure(balance), bold=True)
        self.ln(_ROW_MM)
        self._draw_rule()
        self.ln(_GAP_MM)

    def _write_movement(self, line: StatementLine) -> None:
        movement = line.movement
        self._ensure_space(_ROW_MM + _REFERENCE_MM + _GAP_MM)
        self._write_row(
            format_exact_time(movement.posted_at),
            line.description,
            format_figure(movement.amount),
            format_figure(line.balance),
        )
        self.ln(_ROW_MM)
        self._set_style(_SMALL_PT, _GREY)
        self.set_x(_MARGIN_MM + _WIDTHS_MM[0])
        fee = f" · fee included: {format_amount(movement.fee)}" if movement.fee else ""
        self._write_fitting(
            _WIDTHS_MM[1] + _WIDTHS_MM[2], _REFERENCE_MM, f"{movement.reference}{fee}"
        )
        self.ln(_REFERENCE_MM + _GAP_MM)

    def _write_row(
        self, at: str, label: str, amount: str, balance: str, *, bold: bool = False
    ) -> None:
        time, movement, *numbers = _WIDTHS_MM
        self._set_style(_TEXT_PT, _INK)
        self.cell(time, _ROW_MM, at)
        self._set_style(_TEXT_PT, _INK, bold=bold)
        self._write_fitting(movement, _ROW_MM, label)
        for text, width in zip((amount, balance), numbers, strict=True):
            self._set_style(_TEXT_PT, _INK, bold=bold)
            self._write_fitting(width, _ROW_MM, text, Align.R)

    def _write_fitting(
        self, width: float, height: float, text: str, align: Align = Align.L
    ) -> None:
        """Write a cell whose text shrinks until it fits: an amount is never cut off."""
        while self.get_string_width(text) > width - 2 * self.c_margin and (
            self.font_size_pt > _SMALLEST_PT
        ):
            self.set_font_size(self.font_size_pt - 0.5)
        self.cell(width, height, text, align=align)

    def _ensure_space(self, height: float) -> None:
        """Start a new page unless `height` mm are left on this one."""
        if self.get_y() + height <= self.h - _FOOT_MM:
            return
        self.add_page()
        if self._open_section is not None:
            self._set_style(_TEXT_PT, _GREY)
            self._write_line(f"{self._open_section.asset.code}, continued", 6)
            self._write_table_head()

    def _write_line(self, text: str, height: float) -> None:
        self.cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _draw_rule(self) -> None:
        self.set_draw_color(*_RULE)
        self.set_line_width(0.2)
        self.line(_MARGIN_MM, self.get_y(), self.w - _MARGIN_MM, self.get_y())

    def _set_style(self, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)
