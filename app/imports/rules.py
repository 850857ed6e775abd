"""What an import is, and how a CSV file is read. No database, no clock."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum
from app.kit.spreadsheets import unescape_formula

BYTES_MAX = 8 * 1024 * 1024
ROWS_MAX = 50_000
FILE_NAME_LENGTH_MAX = 100
#: How long a file is kept that was checked and not imported.
LIFETIME = timedelta(days=7)
_FIELD = "file"
_CELL_LENGTH_MAX = 20_000
_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = ",;\t"
_SAVE_AS = "Save it as CSV in UTF-8: in Excel, “CSV UTF-8 (Comma delimited)”."


class ImportState(StatusEnum):
    """The progress of an import."""

    CHECKING = "checking", "Being checked", Mark.UNDERWAY
    """Its rows are checked. Nothing is changed."""
    WRONG = "wrong", "Has errors", Mark.PROBLEM
    """Rows are wrong: correct them and send the file again."""
    CHECKED = "checked", "Waits for confirmation", Mark.WAITING
    """Every row is right. Nothing is changed until a person confirms it."""
    APPLYING = "applying", "Being imported", Mark.UNDERWAY
    DONE = "done", "Imported", Mark.DONE
    """Every row had its effect."""
    FAILED = "failed", "Not imported", Mark.FAILED
    """A row was refused after all, and no row had an effect."""
    EXPIRED = "expired", "Expired", Mark.ENDED
    """It was not confirmed in time."""


class RowOutcome(StatusEnum):
    """What a row does, or did."""

    ADDED = "added", "Added", Mark.DONE
    CHANGED = "changed", "Changed", Mark.CHANGED
    SAME = "same", "Unchanged", Mark.SAME
    WRONG = "wrong", "Wrong", Mark.PROBLEM


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row of a file: the line on which it begins, and its cells by column. `problem` says why
    they cannot be read."""

    line: int
    cells: Mapping[str, str]
    problem: str = ""


def decode(raw: bytes) -> str:
    """Return the text of a file. Raises `Invalid` that says what to do about another encoding."""
    if not raw.strip():
        raise Invalid(_FIELD, "The file is empty. Choose another file.")
    if raw.startswith(_UTF_16):
        raise Invalid(_FIELD, f"The file is in UTF-16. {_SAVE_AS}")
    if b"\0" in raw:
        raise Invalid(_FIELD, "The file is no CSV file. Choose another file.")
    try:
        return raw.removeprefix(_MARK).decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        begin = max(raw.rfind(b"\n", 0, error.start) + 1, error.start - 8)
        near = raw[begin : error.start + 9].decode("cp1252", "replace").partition("\n")[0].strip()
        raise Invalid(
            _FIELD,
            f"Line {line:,} is not in UTF-8, near “{near}”. The file may be in Windows-1252."
            f" {_SAVE_AS}",
        ) from None


def read_rows(text: str, columns: Sequence[str], required: Sequence[str]) -> Iterator[CsvRow]:
    """Yield the rows of a CSV file below its heading, without empty lines. Commas, semicolons or
    tabs separate its cells, as in the heading.

    Raises `Invalid` for a heading without a required column or with an unknown one, for more than
    `ROWS_MAX` rows, and where a quote is not closed.
    """
    heading_line = text.lstrip("\r\n").partition("\n")[0]
    separator = max(_SEPARATORS, key=heading_line.count)
    lines = _read_lines(text, separator)
    heading = [cell.strip().lower() for cell in next(lines)[1]]
    _check_heading(heading, columns, required)
    for count, (line, cells) in enumerate(lines, 1):
        if count > ROWS_MAX:
            raise Invalid(_FIELD, f"Send at most {ROWS_MAX:,} rows in one file. Divide it.")
        problem = ""
        if len(cells) != len(heading):
            problem = f"The row has {len(cells)} cells, and the heading {len(heading)}."
        elif any(len(cell) > _CELL_LENGTH_MAX for cell in cells):
            problem = f"A cell has more than {_CELL_LENGTH_MAX:,} characters."
        texts = dict(zip(heading, map(unescape_formula, cells), strict=False))
        yield CsvRow(line, texts, problem)


def _read_lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that has a cell with text, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Invalid(
            _FIELD, f"The row that begins on line {begins:,} cannot be read ({error})."
        ) from None


def _check_heading(heading: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> None:
    known = ", ".join(columns)
    for name in heading:
        if name not in columns:
            shown = name[:40] or "a column without a name"
            raise Invalid(_FIELD, f"The heading names {shown}. The columns are: {known}.")
        if heading.count(name) > 1:
            raise Invalid(_FIELD, f"The heading names {name} twice. Remove one.")
    missing = [name for name in required if name not in heading]
    if missing:
        raise Invalid(_FIELD, f"The heading lacks {', '.join(missing)}. The columns are: {known}.")
