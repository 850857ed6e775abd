"""`flask sanctions`: import a sanctions list, try a name."""

from datetime import datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from app.kit.db import Database
from app.kit.errors import Refusal
from app.screening import queries as screening_queries
from app.screening.errors import InvalidList
from app.screening.lists import imports, sdn
from app.screening.lists.countries import COUNTRY_NAMES
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject

sanctions = AppGroup("sanctions", help="The sanctions list, as the Treasury's OFAC publishes it.")


@sanctions.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--accept-shrunk", is_flag=True, help="Also a list with far fewer entries than the last."
)
def import_folder(folder: Path, *, accept_shrunk: bool) -> None:
    """Import sdn.csv, alt.csv, add.csv and sdn_comments.csv of DIR, all or nothing.

    Everybody is then screened again, in the background. The list that stands already is recognised.
    """
    try:
        files = sdn.read_files(folder)
    except InvalidList as error:
        raise click.ClickException(f"{error}. Nothing was changed") from error
    click.echo(f"{folder}: {len(files.entries)} entries")
    if files.unnamed:
        click.echo(f"{len(files.unnamed)} more are known by their comments only", err=True)
    total = len(files.entries) + len(files.unnamed)
    try:
        with (
            _database().transaction() as session,
            click.progressbar(length=total, label="Storing") as bar,
        ):
            done = imports.import_list(
                session, files, progress=bar.update, accept_shrunk=accept_shrunk
            )
    except Refusal as refusal:
        raise click.ClickException(f"{refusal.detail}. Nothing was changed") from refusal
    if not done.is_new:
        click.echo(f"This is the list that stands already, version {done.version}")
        return
    click.echo(
        f"Version {done.version}: {done.added} added, {done.changed} changed, "
        f"{done.removed} removed. Everybody is screened again"
    )


@sanctions.command()
@click.argument("name")
@click.option("--born", type=click.DateTime(["%Y-%m-%d"]), help="Birth date.")
@click.option("--country", multiple=True, type=click.Choice(list(COUNTRY_NAMES)), metavar="CODE")
def check(name: str, born: datetime | None, country: tuple[str, ...]) -> None:
    """Print the listed parties whose names are like NAME. Exit code 1 if there are any.

    Nothing is kept; `--country`, an ISO 3166-1 code, can be given several times.
    """
    subject = ScreeningSubject((name,), born.date() if born else None, frozenset(country))
    try:
        with _database().reading() as session:
            version, found = screening.preview_hits(session, subject)
            listed = screening_queries.listed_parties(
                session, [each.entry_number for each in found], version
            )
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal
    for match in found:
        entry = listed[match.entry_number]
        click.echo(
            f"{match.score:3}  {match.listed_name} ({match.matched_on})  {entry.party_type} "
            f"{match.entry_number} {entry.name}  {' '.join(entry.programs)}  "
            f"birth date: {match.birth}, country: {match.country}"
        )
    if found:
        click.get_current_context().exit(1)
    click.echo(f"Nobody on version {version} of the list has a name like that")


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database
