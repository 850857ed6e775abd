"""Pages of a PDF document: A4, with our letterhead and the fonts that have every amount's signs.

The same document renders to the same bytes: nothing in it depends on when or where it is rendered.
"""

from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

FONTS = Path(__file__).parent.parent / "static" / "vendor" / "dejavu"
FAMILY = "DejaVu"
MARGIN_MM = 14.0
_FOOT_MM = 18.0
TEXT_PT, SMALL_PT, _SMALLEST_PT = 8.5, 7.0, 4.0
INK, GREY, _RULE = (20, 24, 32), (96, 102, 112), (196, 200, 208)
_COMPANY = "PBCEx"
_COMPANY_FULL_NAME = "People’s Bank & Commodities Exchange"


class DocumentPdf(FPDF):
    """A document, written from the top down."""

    def __init__(self, title: str, footer: str, created_at: datetime) -> None:
        super().__init__(format="A4", unit="mm")
        self._footer = footer
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(auto=False)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(FAMILY, style, FONTS / name)
        self.set_title(title)
        self.set_author(f"{_COMPANY}, {_COMPANY_FULL_NAME}")
        self.set_lang("en")
        self.set_creation_date(created_at)
        self.add_page()

    def footer(self) -> None:
        """Write the footer of the current page (called by FPDF)."""
        self.set_y(-_FOOT_MM + 6)
        self.set_look(SMALL_PT, GREY)
        # Aligned left: the width of the number of pages is not known yet.
        self.cell(0, 4, f"Page {self.page_no()} of {{nb}}")
        self.set_x(MARGIN_MM)
        self.cell(0, 4, self._footer, align=Align.R)

    def continue_page(self) -> None:
        """Repeat the headings of the rows in progress on a new page."""

    def write_title(self, title: str) -> None:
        """Write the company and the title of the document."""
        self.set_look(18, INK, bold=True)
        self.write_text(_COMPANY, 8)
        self.set_look(TEXT_PT, GREY)
        self.write_text(_COMPANY_FULL_NAME, 5)
        self.draw_rule()
        self.ln(5)
        self.set_look(13, INK, bold=True)
        self.write_text(title, 8)

    def write_note(self, text: str) -> None:
        """Write a sentence in place of tables, or below one."""
        self.set_look(TEXT_PT, GREY)
        self.multi_cell(0, 5, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def write_fact(self, name: str, value: str) -> None:
        """Write a name and its value on a line."""
        self.set_look(TEXT_PT, GREY)
        self.cell(30, 5, name)
        self.set_look(TEXT_PT, INK)
        self.multi_cell(0, 5, value, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def write_fitting(self, width: float, height: float, text: str, align: Align = Align.L) -> None:
        """Write a cell whose text shrinks until it fits: an amount is never cut off."""
        while self.get_string_width(text) > width - 2 * self.c_margin and (
            self.font_size_pt > _SMALLEST_PT
        ):
            self.set_font_size(self.font_size_pt - 0.5)
        self.cell(width, height, text, align=align)

    def ensure_space(self, height: float) -> None:
        """Start a new page unless `height` mm are left on this one."""
        if self.get_y() + height <= self.h - _FOOT_MM:
            return
        self.add_page()
        self.continue_page()

    def write_text(self, text: str, height: float) -> None:
        """Write a line."""
        self.cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def draw_rule(self) -> None:
        """Draw a line from margin to margin."""
        self.set_draw_color(*_RULE)
        self.set_line_width(0.2)
        self.line(MARGIN_MM, self.get_y(), self.w - MARGIN_MM, self.get_y())

    def set_look(self, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        """Choose size, colour and weight of what is written next."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)
