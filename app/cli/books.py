"""`flask books`: verify the books, and export them for accounting programs."""

import shutil
from tempfile import SpooledTemporaryFile
from typing import TextIO

import click
from flask import current_app
from flask.cli import AppGroup

from app.kit.db import SNAPSHOT, Database
from app.kit.formatting import format_number_of
from app.ledger.queries import journal_size
from app.ledger.verification import INVARIANTS, find_violations
from app.reporting.journal_export import JournalFormat, export_journal

#: Bytes of the journal that are kept in memory before it goes to a file.
_MEMORY_MAX = 10_000_000

books = AppGroup("books", help="Verify the books, and export them for accounting programs.")


def _database() -> Database:
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    return database


@books.command("verify")
def verify() -> None:
    """Check every invariant of the ledger. Exits with 1 and lists the violations if there are
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
