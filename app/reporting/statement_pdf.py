"""A statement on paper: A4 pages, with a table whose head is repeated.

The same statement makes the same bytes: nothing in it says when or where it was printed.
"""

from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from app.kit import clock
from app.reporting.statements import Line, Sheet, Statement

_FONTS = Path(__file__).parent.parent / "static" / "vendor" / "dejavu"
_FAMILY = "DejaVu"
_MARGIN_MM = 14.0
_FOOT_MM = 18.0
# Time, what it was, amount, balance.
_WIDTHS_MM = (35.0, 75.0, 36.0, 36.0)
_HEADS = ("Time (UTC)", "Movement", "Amount", "Balance")
_ROW_MM, _REFERENCE_MM, _GAP_MM = 4.6, 3.8, 1.2
_TEXT_PT, _SMALL_PT, _SMALLEST_PT = 8.5, 7.0, 4.0
_INK, _GREY, _RULE = (20, 24, 32), (96, 102, 112), (196, 200, 208)
_HOUSE = "PBCEx"
_HOUSE_IN_FULL = "People’s Bank & Commodities Exchange"


def pdf_of(statement: Statement) -> bytes:
    """The statement as a PDF. A name in letters that its font lacks is left out: the e-mail address
    and the number say whose it is."""
    paper = _Paper(statement)
    paper.letterhead()
    sheets = [sheet for sheet in statement.sheets if not sheet.is_empty]
    for sheet in sheets:
        paper.sheet(sheet)
    if not sheets:
        paper.note("Nothing was on this account, and nothing moved.")
    return bytes(paper.output())


class _Paper(FPDF):
    """The pages, from the top down."""

    def __init__(self, statement: Statement) -> None:
        super().__init__(format="A4", unit="mm")
        self._statement = statement
        #: Whose rows are being written: the head of their table is repeated on a new page.
        self._written: Sheet | None = None
        self.set_margins(_MARGIN_MM, _MARGIN_MM)
        self.set_auto_page_break(auto=False)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(_FAMILY, style, _FONTS / name)
        self.set_title(f"Statement of the {statement.account} account")
        self.set_author(f"{_HOUSE}, {_HOUSE_IN_FULL}")
        self.set_lang("en")
        self.set_creation_date(statement.period.end)
        self.add_page()

    def footer(self) -> None:
        """What stands below each page."""
        self.set_y(-_FOOT_MM + 6)
        self._style(_SMALL_PT, _GREY)
        statement = self._statement
        # At the left, because how wide the number of pages is is not known yet.
        self.cell(0, 4, f"Page {self.page_no()} of {{nb}}")
        self.set_x(_MARGIN_MM)
        self.cell(0, 4, f"{statement.customer} · {statement.account} account", align=Align.R)

    def letterhead(self) -> None:
        """Who states, to whom, and about what."""
        statement = self._statement
        self._style(18, _INK, bold=True)
        self._line(_HOUSE, 8)
        self._style(_TEXT_PT, _GREY)
        self._line(_HOUSE_IN_FULL, 5)
        self._rule()
        self.ln(5)
        self._style(13, _INK, bold=True)
        self._line(f"Statement of your {statement.account} account", 8)
        self._style(_TEXT_PT, _INK)
        start, end = (_instant(at) for at in (statement.period.start, statement.period.end))
        self._fact("Period", f"{start} to {end} (UTC); the end is not part of it")
        self._whose()
        self.ln(3)

    def sheet(self, sheet: Sheet) -> None:
        """The table of one asset, from its opening to its closing balance."""
        self._needs(32)
        self.ln(4)
        self._style(11, _INK, bold=True)
        self._line(sheet.asset.code, 7)
        self._head()
        self._written = sheet
        self._balance("Opening balance", str(sheet.opening), self._statement.period.start)
        for line in sheet.lines:
            self._movement(line)
        self._balance("Closing balance", str(sheet.closing), self._statement.period.end)
        self._written = None
        self._style(_SMALL_PT, _GREY)
        came, went = _grouped(str(sheet.credits)), _grouped(str(sheet.debits))
        held = f"; held of the closing balance: {_grouped(str(sheet.held))}" if sheet.held else ""
        self._line(f"Movements: {len(sheet.lines)}; came: {came}; went: {went}{held}", 5)
        if sheet.owed:
            self._line(f"You owed us beside this balance: {_grouped(str(sheet.owed))}", 5)

    def note(self, text: str) -> None:
        """A sentence in place of tables."""
        self._style(_TEXT_PT, _GREY)
        self._line(text, 6)

    def _whose(self) -> None:
        statement = self._statement
        if self._has_letters_for(statement.customer_name):
            # Arabic and Hebrew are set from the right, their letters joined; no table needs that.
            self.set_text_shaping(use_shaping_engine=True)
            self._fact("Customer", statement.customer_name)
            self.set_text_shaping(use_shaping_engine=False)
        if self._has_letters_for(statement.customer_email):
            self._fact("E-mail", statement.customer_email)
        self._fact("Number", statement.customer)

    def _has_letters_for(self, text: str) -> bool:
        letters = self.fonts[_FAMILY.lower()].cmap  # type: ignore[union-attr] # never a core font
        return all(ord(character) in letters for character in text)

    def _fact(self, name: str, value: str) -> None:
        self._style(_TEXT_PT, _GREY)
        self.cell(22, 5, name)
        self._style(_TEXT_PT, _INK)
        self.multi_cell(0, 5, value, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _head(self) -> None:
        self._style(_SMALL_PT, _GREY, bold=True)
        for head, width in zip(_HEADS, _WIDTHS_MM, strict=True):
            self.cell(width, 5, head, align=Align.R if head in _HEADS[2:] else Align.L)
        self.ln(5)
        self._rule()
        self.ln(_GAP_MM)

    def _balance(self, words: str, balance: str, at: datetime) -> None:
        self._needs(_ROW_MM + _GAP_MM)
        self._row(_instant(at), words, "", balance, bold=True)
        self.ln(_ROW_MM)
        self._rule()
        self.ln(_GAP_MM)

    def _movement(self, line: Line) -> None:
        movement = line.movement
        self._needs(_ROW_MM + _REFERENCE_MM + _GAP_MM)
        self._row(
            _instant(movement.posted_at),
            movement.description,
            str(movement.amount),
            str(line.balance),
        )
        self.ln(_ROW_MM)
        self._style(_SMALL_PT, _GREY)
        self.set_x(_MARGIN_MM + _WIDTHS_MM[0])
        fee = f" · fee included: {_grouped(str(movement.fee))}" if movement.fee else ""
        self._fitting(_WIDTHS_MM[1] + _WIDTHS_MM[2], _REFERENCE_MM, f"{movement.reference}{fee}")
        self.ln(_REFERENCE_MM + _GAP_MM)

    def _row(self, at: str, words: str, amount: str, balance: str, *, bold: bool = False) -> None:
        time, movement, *numbers = _WIDTHS_MM
        self._style(_TEXT_PT, _INK)
        self.cell(time, _ROW_MM, at)
        self._style(_TEXT_PT, _INK, bold=bold)
        self._fitting(movement, _ROW_MM, words)
        for text, width in zip((amount, balance), numbers, strict=True):
            self._style(_TEXT_PT, _INK, bold=bold)
            self._fitting(width, _ROW_MM, _grouped(text), Align.R)

    def _fitting(self, width: float, height: float, text: str, align: Align = Align.L) -> None:
        """A cell whose text is made smaller until it fits: an amount is never cut."""
        while self.get_string_width(text) > width - 2 * self.c_margin and (
            self.font_size_pt > _SMALLEST_PT
        ):
            self.set_font_size(self.font_size_pt - 0.5)
        self.cell(width, height, text, align=align)

    def _needs(self, height: float) -> None:
        """A new page unless so much is left of this one."""
        if self.get_y() + height <= self.h - _FOOT_MM:
            return
        self.add_page()
        if self._written is not None:
            self._style(_TEXT_PT, _GREY)
            self._line(f"{self._written.asset.code}, continued", 6)
            self._head()

    def _line(self, text: str, height: float) -> None:
        self.cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _rule(self) -> None:
        self.set_draw_color(*_RULE)
        self.set_line_width(0.2)
        self.line(_MARGIN_MM, self.get_y(), self.w - _MARGIN_MM, self.get_y())

    def _style(self, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)


def _instant(at: datetime) -> str:
    """A moment to the second, in UTC."""
    return clock.rfc3339(at)[:19].replace("T", " ")


def _grouped(number: str) -> str:
    """A decimal number with its thousands apart: 1,250.00."""
    sign = "−" if number.startswith("-") else ""
    whole, point, decimals = number.lstrip("-").partition(".")
    groups = f"{int(whole):,}" if whole else ""
    return f"{sign}{groups}{point}{decimals}"
