"""`flask sanctions`: import a sanctions list, check a name."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.sanctions_file import COLUMNS, InvalidCheckFile, read_subjects, to_json
from app.kit.countries import COUNTRY_NAMES
from app.kit.db import Database
from app.kit.errors import Refusal
from app.kit.formatting import format_number_of
from app.kit.preparation import run_prepared
from app.screening import queries as screening_queries
from app.screening.errors import InvalidList
from app.screening.lists import activation, imports, sdn
from app.screening.matching import service as screening
from app.screening.matching.name_index import Hit
from app.screening.queries import ListedParty
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
    # Also after an import that ended before its version was current.
    activation.activate(_database(), result.version)
    if not result.is_new:
        click.echo(f"This list is already current: version {result.version}.")
        return
    click.echo(
        f"Version {result.version}: {result.added} added, {result.changed} changed, "
        f"{result.removed} removed. Everyone is screened again in the background."
    )


@sanctions.command()
@click.argument("name", required=False)
@click.option("--born", type=click.DateTime(["%Y-%m-%d"]), help="Birth date, like 1970-12-31.")
@click.option("--country", multiple=True, type=click.Choice(list(COUNTRY_NAMES)), metavar="CODE")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"Check each line of a CSV file with the columns {','.join(COLUMNS)}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each name.")
def check(
    name: str | None,
    born: datetime | None,
    country: tuple[str, ...],
    path: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print the listed parties that resemble NAME. Exit with code 1 if there are any.

    Nothing is saved. `--country`, an ISO 3166-1 alpha-2 code of nationality or residence, can be
    given several times. With `--file`, the columns kind (person, company or empty), name, born,
    country and number stand for these.
    """
    if (name is None) is (path is None):
        raise click.UsageError("Enter a name, or --file with a CSV file of names.")
    birth_date, residences = born.date() if born else None, frozenset(country)
    try:
        subjects = (
            list(read_subjects(path))
            if path is not None
            else [(str(name), ScreeningSubject((str(name),), birth_date, residences=residences))]
        )
    except InvalidCheckFile as error:
        raise click.ClickException(str(error)) from error
    has_hits = False
    for text, subject in subjects:
        hits = _print_check(text, subject, as_json=as_json)
        has_hits = has_hits or bool(hits)
    if has_hits:
        click.get_current_context().exit(1)


def _print_check(name: str, subject: ScreeningSubject, *, as_json: bool) -> list[Hit]:
    try:
        version, hits, listed_parties = run_prepared(_database(), partial(_find_hits, subject))
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal
    if as_json:
        click.echo(to_json(name, hits))
        return hits
    for hit in hits:
        entry = listed_parties[hit.entry_number]
        click.echo(
            f"{hit.score:3}  {hit.listed_name} ({hit.matched_on})  {entry.party_type} "
            f"{hit.entry_number} {entry.name}  {' '.join(entry.programs)}  "
            f"birth date: {hit.birth}, country: {hit.country}, number: {hit.number}"
        )
    if not hits:
        click.echo(f"No name on version {version} of the list resembles this one.")
    return hits


def _find_hits(subject: ScreeningSubject) -> tuple[int, list[Hit], Mapping[int, ListedParty]]:
    with _database().reading() as session:
        version, hits = screening.preview_hits(session, subject)
        numbers = [hit.entry_number for hit in hits]
        return version, hits, screening_queries.listed_parties(session, numbers, version)


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database
