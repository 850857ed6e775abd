"""`flask sanctions`: import a sanctions list, check a name."""

from datetime import datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from app.kit.db import Database
from app.kit.errors import Refusal
from app.kit.formatting import format_number_of
from app.screening import queries as screening_queries
from app.screening.errors import InvalidList
from app.screening.lists import imports, sdn
from app.screening.lists.countries import COUNTRY_NAMES
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject

sanctions = AppGroup(
    "sanctions", help="Import and search the sanctions list of OFAC at the US Treasury."
)


@sanctions.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--accept-shrunk",
    is_flag=True,
    help="Accept a list with far fewer entries than the current one.",
)
def import_folder(folder: Path, *, accept_shrunk: bool) -> None:
    """Import sdn.csv, alt.csv, add.csv and sdn_comments.csv from DIR, all or nothing.

    Then screen everyone again, in the background. Importing the current list changes nothing.
    """
    try:
        files = sdn.read_files(folder)
    except InvalidList as error:
        raise click.ClickException(f"{error}. Nothing was changed.") from error
    click.echo(f"{folder}: {format_number_of(len(files.entries), 'entry', 'entries')}")
    if files.unnamed:
        known = format_number_of(len(files.unnamed), "entry", "entries")
        click.echo(f"Known from the comments only: {known}", err=True)
    total = len(files.entries) + len(files.unnamed)
    try:
        with (
            _database().transaction() as session,
            click.progressbar(length=total, label="Storing") as bar,
        ):
            result = imports.import_list(
                session, files, progress=bar.update, accept_shrunk=accept_shrunk
            )
    except Refusal as refusal:
        raise click.ClickException(f"{refusal.detail} Nothing was changed.") from refusal
    if not result.is_new:
        click.echo(f"This list is already current: version {result.version}.")
        return
    click.echo(
        f"Version {result.version}: {result.added} added, {result.changed} changed, "
        f"{result.removed} removed. Everyone is screened again in the background."
    )


@sanctions.command()
@click.argument("name")
@click.option("--born", type=click.DateTime(["%Y-%m-%d"]), help="Birth date, like 1970-12-31.")
@click.option("--country", multiple=True, type=click.Choice(list(COUNTRY_NAMES)), metavar="CODE")
def check(name: str, born: datetime | None, country: tuple[str, ...]) -> None:
    """Print the listed parties whose names resemble NAME. Exit with code 1 if there are any.

    Nothing is saved. `--country`, an ISO 3166-1 alpha-2 code, can be given several times.
    """
    subject = ScreeningSubject((name,), born.date() if born else None, frozenset(country))
    try:
        with _database().reading() as session:
            version, hits = screening.preview_hits(session, subject)
            listed_parties = screening_queries.listed_parties(
                session, [hit.entry_number for hit in hits], version
            )
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal
    for hit in hits:
        entry = listed_parties[hit.entry_number]
        click.echo(
            f"{hit.score:3}  {hit.listed_name} ({hit.matched_on})  {entry.party_type} "
            f"{hit.entry_number} {entry.name}  {' '.join(entry.programs)}  "
            f"birth date: {hit.birth}, country: {hit.country}"
        )
    if hits:
        click.get_current_context().exit(1)
    click.echo(f"No name on version {version} of the list resembles this one.")


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database
