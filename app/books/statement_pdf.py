"""Render the statements of a period as PDF. The same statements render to the same bytes."""

from collections.abc import Sequence

from fpdf.enums import Align

from app.books.queries import BooksStatement
from app.books.rules import FigureLine, Section, TrialLine
from app.documents.document_pdf import GREY, INK, MARGIN_MM, SMALL_PT, TEXT_PT, DocumentPdf
from app.kit.formatting import format_figure, format_time
from app.kit.money import Amount

_LINE_MM, _ROW_MM, _GAP_MM = 92.0, 4.6, 1.2
#: Account, asset, debit, credit, value.
_TRIAL_MM = (72.0, 18.0, 31.0, 31.0, 30.0)
_TRIAL_HEADS = ("Account", "Asset", "Debit", "Credit", "Value in USD")


def render_pdf(statement: BooksStatement) -> bytes:
    """Return the statements as a PDF."""
    pdf = _BooksPdf(statement)
    pdf.write_statements()
    return bytes(pdf.output())


class _BooksPdf(DocumentPdf):
    """The pages of the statements."""

    def __init__(self, statement: BooksStatement) -> None:
        self._statement = statement
        #: The heads of the table in progress, with their widths.
        self._heads: list[tuple[str, float, Align]] = []
        [first, *_] = statement.periods
        title = f"Books: {statement.scope.name}"
        super().__init__(title, f"{title} · in US dollars", first.end)
        self.write_title(title)
        for period in statement.periods:
            span = f"{format_time(period.start)} to {format_time(period.end)}, end not included"
            self.write_fact("Period" if period is first else "Compared with", span)
        self.ln(3)

    def write_statements(self) -> None:
        """Write the balance sheet, the income statement and the trial balance."""
        sheet, income = self._statement.balance_sheet, self._statement.income_statement
        ends = [format_time(period.end) for period in self._statement.periods]
        if sheet is None or income is None:
            codes = ", ".join(asset.code for asset in self._statement.unpriced)
            self.write_note(f"There has never been a price of {codes}: nothing can be valued.")
        else:
            self._open_table("Balance sheet", ends)
            for section in sheet:
                self._write_section(section)
            self._open_table("Income statement", [f"Until {end}" for end in ends])
            self._write_section(income.income)
            self._write_section(income.expenses)
            for line in (income.operating, income.at_market, income.net):
                self._write_line(line, bold=line is income.net)
            self.write_note(
                "Metals and tokens at market is what remains of net assets after capital, income"
                " and expenses: it holds the residues of rounding each line to the cent."
            )
        self._write_trial_balance(self._statement.trial_balance)

    def continue_page(self) -> None:
        """Repeat the head of the table in progress."""
        self._write_head()

    def _open_table(self, title: str, columns: Sequence[str]) -> None:
        width = (self.w - 2 * MARGIN_MM - _LINE_MM) / len(columns)
        self._open(title, [("", _LINE_MM, Align.L), *((head, width, Align.R) for head in columns)])

    def _open(self, title: str, heads: list[tuple[str, float, Align]]) -> None:
        self._heads = []
        self.ensure_space(32)
        self.ln(4)
        self.set_look(11, INK, bold=True)
        self.write_text(title, 7)
        self._heads = heads
        self._write_head()

    def _write_head(self) -> None:
        for head, width, align in self._heads:
            self.set_look(SMALL_PT, GREY, bold=True)
            self.write_fitting(width, 5, head, align)
        self.ln(5)
        self.draw_rule()
        self.ln(_GAP_MM)

    def _write_section(self, section: Section) -> None:
        self.ensure_space(4 * _ROW_MM)
        self.set_look(TEXT_PT, GREY, bold=True)
        self.write_text(section.title, _ROW_MM + _GAP_MM)
        for line in section.lines:
            self._write_line(line)
        self._write_line(FigureLine(f"Total {section.title.lower()}", section.total), bold=True)
        self.draw_rule()
        self.ln(_GAP_MM)

    def _write_line(self, line: FigureLine, *, bold: bool = False) -> None:
        self._write_cells([line.name, *map(format_figure, line.amounts)], bold=bold)

    def _write_trial_balance(self, lines: Sequence[TrialLine]) -> None:
        aligns = (Align.L, Align.L, Align.R, Align.R, Align.R)
        self._open("Trial balance", list(zip(_TRIAL_HEADS, _TRIAL_MM, aligns, strict=True)))
        for line in lines:
            balance = line.balance
            self._write_cells(
                [
                    line.name,
                    balance.asset.code,
                    format_figure(balance) if balance.units > 0 else "",
                    format_figure(-balance) if balance.units < 0 else "",
                    _or_missing(line.value),
                ]
            )

    def _write_cells(self, texts: Sequence[str], *, bold: bool = False) -> None:
        self.ensure_space(_ROW_MM + _GAP_MM)
        for text, (_, width, align) in zip(texts, self._heads, strict=True):
            self.set_look(TEXT_PT, INK, bold=bold)
            self.write_fitting(width, _ROW_MM, text, align)
        self.ln(_ROW_MM + _GAP_MM)


def _or_missing(value: Amount | None) -> str:
    return "No price" if value is None else format_figure(value)
