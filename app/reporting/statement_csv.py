"""A statement as a table for spreadsheets: RFC 4180, and no cell that one would calculate."""

import csv
import io
import re

from app.kit import clock
from app.reporting.statements import Sheet, Statement

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
COLUMNS = ("asset", "time", "kind", "description", "reference", "amount", "fee", "balance")
# What spreadsheets take for a formula, unless it is a plain number.
_FORMULA = re.compile(r"[=+\-@\t\r\n|%]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def csv_of(statement: Statement) -> bytes:
    """A row for each movement, between one for the opening and one for the closing balance of its
    asset, and two for what is held of that and owed beside it; all in the statement's order."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for sheet in statement.sheets:
        for row in _rows(statement, sheet):
            writer.writerow([safe(cell) for cell in row])
    return text.getvalue().encode()


def safe(cell: str) -> str:
    """The cell as a text: what would be a formula gets an apostrophe in front."""
    if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _rows(statement: Statement, sheet: Sheet) -> list[list[str]]:
    code, period = sheet.asset.code, statement.period
    start, end = clock.rfc3339(period.start), clock.rfc3339(period.end)
    rows = [[code, start, "opening", "Opening balance", "", "", "", str(sheet.opening)]]
    for line in sheet.lines:
        movement = line.movement
        rows.append(
            [
                code,
                clock.rfc3339(movement.posted_at),
                movement.kind,
                movement.description,
                movement.reference,
                str(movement.amount),
                str(movement.fee or ""),
                str(line.balance),
            ]
        )
    rows.append([code, end, "closing", "Closing balance", "", "", "", str(sheet.closing)])
    rows.append([code, end, "held", "Held of the closing balance", "", str(sheet.held), "", ""])
    rows.append([code, end, "owed", "Owed beside the balance", "", str(sheet.owed), "", ""])
    return rows
