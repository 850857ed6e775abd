"""Cells of CSV files that spreadsheets do not run, and the way back."""

import re

# Spreadsheets read a cell that starts like this as a formula, unless it is a plain number.
_FORMULA = re.compile(r"[=+\-@\t\r\n|%]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def escape_formula(cell: str) -> str:
    """Return the cell as text: what would be a formula gets an apostrophe in front."""
    if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def unescape_formula(cell: str) -> str:
    """Return the text of a cell as it was before `escape_formula`."""
    text = cell.removeprefix("'")
    return text if text != cell and escape_formula(text) == cell else cell
