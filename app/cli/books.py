"""`flask books`: verify the books, write statements, and export them for accounting programs."""

import shutil
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, TextIO

import click
from flask import current_app
from flask.cli import AppGroup

from app.books import periods, statement_csv
from app.books import queries as books_queries
from app.books.periods import ComparedPeriod
from app.kit import clock
from app.kit.db import SNAPSHOT, Database
from app.kit.errors import Invalid
from app.kit.formatting import format_number_of
from app.ledger.queries import journal_size
from app.reconciliation.invariants import INVARIANTS, find_violations
from app.reporting.journal_export import JournalFormat, export_journal

#: Bytes of the journal that are kept in memory before it goes to a file.
_MEMORY_MAX = 10_000_000

books = AppGroup(
    "books", help="Verify the books, write statements, export them for accounting programs."
)


def _database() -> Database:
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    return database


@books.command("verify")
def verify() -> None:
    """Check every invariant of the books. Exits with 1 and lists the violations if there are
    any."""
    with _database().transaction(SNAPSHOT) as session:
        violations = find_violations(session)
        entries, postings = journal_size(session)
    for violation in violations:
        click.echo(f"{violation.invariant}: {violation.offender}", err=True)
    if violations:
        raise click.ClickException(
            f"The books are not correct: {format_number_of(len(violations), 'violation')}."
        )
    click.echo(
        f"The books are correct: {format_number_of(len(INVARIANTS), 'invariant')},"
        f" {format_number_of(entries, 'entry', 'entries')},"
        f" {format_number_of(postings, 'posting')}."
    )


@books.command("export")
@click.option(
    "--format", "form", type=click.Choice([f.value for f in JournalFormat]), required=True
)
@click.option(
    "--output",
    type=click.File("w", encoding="utf-8"),
    default="-",
    help="The file to write (default: standard output).",
)
def export_books(form: str, output: TextIO) -> None:
    """Export the whole journal for bean-check or hledger."""
    with SpooledTemporaryFile(_MEMORY_MAX, "w+", encoding="utf-8") as journal:
        # A reader of the output may be slow: no transaction waits for it.
        with _database().transaction(SNAPSHOT) as session:
            lines = export_journal(session, JournalFormat(form))
            journal.writelines(f"{line}\n" for line in lines)
        journal.seek(0)
        shutil.copyfileobj(journal, output)


@books.command("statement")
@click.option("--from", "start", default="", help="The first day, like 2026-01-01, or a moment.")
@click.option("--to", "end", default="", help="The last day, or a moment (default: now).")
@click.option("--of", "code", default="", help="The code of a legal entity or a branch.")
@click.option("--compare", type=click.Choice([each.value for each in ComparedPeriod]))
@click.option("--format", "form", type=click.Choice(["csv", "pdf"]), default="csv")
@click.option(
    "--output",
    type=click.File("wb"),
    default="-",
    help="The file to write (default: standard output).",
)
def write_statement(
    *, start: str, end: str, code: str, compare: str | None, form: str, output: BinaryIO
) -> None:
    """Write the balance sheet, income statement and trial balance."""
    try:
        period = periods.parse_period(start, end, clock.now())
    except Invalid as problem:
        raise click.ClickException(f"--{problem.field}: {problem.message}") from None
    with _database().transaction(SNAPSHOT) as session:
        scopes = {scope.code: scope for scope in books_queries.list_scopes(session)}
        if code not in scopes:
            raise click.ClickException(f"--of: there is no legal entity or branch {code}.")
        statement = books_queries.read_statement(
            session, scopes[code], period, ComparedPeriod(compare or ComparedPeriod.NONE)
        )
    if form == "csv":
        output.write(statement_csv.render_csv(statement))
        return
    from app.books import statement_pdf  # noqa: PLC0415 - its library takes 20 MB

    output.write(statement_pdf.render_pdf(statement))
