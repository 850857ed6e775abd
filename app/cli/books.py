"""`flask books`: the books proved, and the books in other programs' forms."""

from typing import TextIO

import click
from flask import current_app
from flask.cli import AppGroup

from app.kit.db import SNAPSHOT, Database
from app.ledger.queries import journal_size
from app.ledger.verification import INVARIANTS, find_violations
from app.reporting.journal_export import JournalFormat, export_journal

books = AppGroup("books", help="Prove the books, and write them for other programs.")


def _database() -> Database:
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    return database


@books.command("verify")
def verify() -> None:
    """Check every invariant of the ledger. Exit code 1 names what is wrong."""
    with _database().transaction(SNAPSHOT) as session:
        found = find_violations(session)
        entries, postings = journal_size(session)
    for violation in found:
        click.echo(f"{violation.invariant}: {violation.offender}", err=True)
    if found:
        raise click.ClickException(f"the books do not hold: {len(found)} violations")
    click.echo(
        f"The books hold: {len(INVARIANTS)} invariants, {entries} entries, {postings} postings."
    )


@books.command("export")
@click.option(
    "--format", "form", type=click.Choice([f.value for f in JournalFormat]), required=True
)
@click.option(
    "--output", type=click.File("w", encoding="utf-8"), default="-", help="Default: print."
)
def export_books(form: str, output: TextIO) -> None:
    """Write the whole journal for bean-check or hledger."""
    with _database().transaction(SNAPSHOT) as session:
        output.writelines(f"{line}\n" for line in export_journal(session, JournalFormat(form)))
