"""Render a statement as CSV (RFC 4180) in which no cell is a formula."""

import csv
import io

from app.kit import clock
from app.kit.spreadsheets import escape_formula
from app.reporting.statements import AccountStatement, AssetStatement

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
COLUMNS = (
    "asset",
    "time",
    "kind",
    "description",
    "reference",
    "amount",
    "fee",
    "balance",
    "details",
)


def render_csv(statement: AccountStatement) -> bytes:
    """Return the statement's rows in its own order: for each asset the opening balance, every
    movement, the closing balance, the held amount and the amount owed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for asset_statement in statement.asset_statements:
        for row in _csv_rows(statement, asset_statement):
            writer.writerow([escape_formula(cell) for cell in row])
    return text.getvalue().encode()


def _csv_rows(statement: AccountStatement, asset_statement: AssetStatement) -> list[list[str]]:
    code, period = asset_statement.asset.code, statement.period
    start, end = clock.rfc3339(period.start), clock.rfc3339(period.end)
    opening, closing = str(asset_statement.opening), str(asset_statement.closing)
    held, owed = str(asset_statement.held), str(asset_statement.owed)
    rows = [[code, start, "opening", "Opening balance", "", "", "", opening, ""]]
    for line in asset_statement.lines:
        movement = line.movement
        rows.append(
            [
                code,
                clock.rfc3339(movement.posted_at),
                movement.kind,
                line.description,
                movement.reference,
                str(movement.amount),
                str(movement.fee or ""),
                str(line.balance),
                "; ".join(line.details),
            ]
        )
    rows.append([code, end, "closing", "Closing balance", "", "", "", closing, ""])
    rows.append([code, end, "held", "Held, part of the closing balance", "", held, "", "", ""])
    rows.append([code, end, "owed", "Owed to us, not part of the balance", "", owed, "", "", ""])
    return rows
