"""Sanctions lists for tests: the sample list, and others written in the published form."""

from collections.abc import Sequence
from pathlib import Path

from app.kit.db import Database
from app.outbox.models import StagedJob
from app.sample.lists import FIRST_LIST as SANCTIONS
from app.screening.lists import activation, imports, sdn
from app.screening.lists.imports import ImportResult
from app.screening.queries import list_versions
from tests.rows import delete_rows

#: A person on the sample list, as they would write their name.
LISTED_NAME = "Dragomir Casimir Esperpento Villanova"
#: A wallet address on it.
LISTED_WALLET = "0x000000000000000000000000000000000000dEaD"

PartyFields = tuple[int, str, str, str]


def import_sample_list(database: Database) -> None:
    """Import the sample list, whatever list was current. Stages no screening."""
    import_folder(database, SANCTIONS)
    with database.transaction() as session:
        tasks = ("screening.rescreen", "screening.activate")
        delete_rows(session, StagedJob, StagedJob.task.in_(tasks))


def import_sample_list_once(database: Database) -> None:
    """Import the sample list unless a list is current."""
    with database.reading() as session:
        is_current = any(version.current_at for version in list_versions(session, 1))
    if not is_current:
        import_sample_list(database)


def write_files(
    folder: Path,
    parties: Sequence[PartyFields],
    *,
    aliases: Sequence[tuple[int, str, str]] = (),
    addresses: Sequence[tuple[int, str]] = (),
    comments: Sequence[tuple[int, str]] = (),
) -> Path:
    """Write the four files of a list.

    Parties: number, name, type, remarks; aliases: number, kind, name; addresses: number, country.
    """
    empty = "-0- "
    lines = [
        f'{number},"{name}",{_field(party_type)},"SAMPLE",' + f"{empty}," * 7 + _field(remarks)
        for number, name, party_type, remarks in parties
    ]
    (folder / sdn.SDN).write_text("\n".join(lines))
    lines = [
        f'{number},{position},"{kind}","{name}",{empty}'
        for position, (number, kind, name) in enumerate(aliases)
    ]
    (folder / sdn.ALT).write_text("\n".join(lines))
    lines = [
        f'{number},{position},{empty},{empty},"{country}",{empty}'
        for position, (number, country) in enumerate(addresses)
    ]
    (folder / sdn.ADD).write_text("\n".join(lines))
    (folder / sdn.COMMENTS).write_text(
        "\n".join(f'{number},"{text}"' for number, text in comments) + "\x1a"
    )
    return folder


def import_folder(database: Database, folder: Path, *, accept_shrunk: bool = True) -> ImportResult:
    """Import the files of a folder, and make them the current list."""
    result = store_folder(database, folder, accept_shrunk=accept_shrunk)
    activation.activate(database, result.version)
    return result


def store_folder(database: Database, folder: Path, *, accept_shrunk: bool = True) -> ImportResult:
    """Import the files of a folder as a list that is not current yet."""
    files = sdn.read_files(folder)
    with database.transaction() as session:
        return imports.import_list(
            session, files, progress=lambda _stored: None, accept_shrunk=accept_shrunk
        )


def _field(text: str) -> str:
    return f'"{text}"' if text else "-0- "
