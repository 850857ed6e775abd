"""Sanctions lists for tests: that of the sample, and others written out in the real form."""

from collections.abc import Sequence
from pathlib import Path

from app.cli.sample import SANCTIONS
from app.kit.db import Database
from app.screening.lists import imports, sdn
from app.screening.lists.imports import ImportResult

#: Who is on the list of the sample, as they would write themselves.
LISTED_NAME = "Dragomir Casimir Esperpento Villanova"
#: An address on it.
LISTED_WALLET = "0x000000000000000000000000000000000000dEaD"

PartyFields = tuple[int, str, str, str]


def import_sample_list(database: Database) -> None:
    """The list of the sample stands, whatever stood before; nobody is screened again for it."""
    import_folder(database, SANCTIONS)
    with database.transaction() as session:
        session.send("DELETE FROM outbox WHERE task = 'screening.rescreen'")


def write_files(
    folder: Path,
    parties: Sequence[PartyFields],
    *,
    aliases: Sequence[tuple[int, str, str]] = (),
    addresses: Sequence[tuple[int, str]] = (),
    comments: Sequence[tuple[int, str]] = (),
) -> Path:
    """The four files. Parties: number, name, sort, remarks; aliases: number, kind, name; addresses:
    number, country."""
    nothing = "-0- "
    lines = [
        f'{number},"{name}",{_said(sort)},"SAMPLE",' + f"{nothing}," * 7 + _said(remarks)
        for number, name, sort, remarks in parties
    ]
    (folder / sdn.SDN).write_text("\n".join(lines))
    lines = [
        f'{number},{place},"{kind}","{name}",{nothing}'
        for place, (number, kind, name) in enumerate(aliases)
    ]
    (folder / sdn.ALT).write_text("\n".join(lines))
    lines = [
        f'{number},{place},{nothing},{nothing},"{country}",{nothing}'
        for place, (number, country) in enumerate(addresses)
    ]
    (folder / sdn.ADD).write_text("\n".join(lines))
    (folder / sdn.COMMENTS).write_text(
        "\n".join(f'{number},"{text}"' for number, text in comments) + "\x1a"
    )
    return folder


def import_folder(database: Database, folder: Path, *, accept_shrunk: bool = True) -> ImportResult:
    """Import the files of a folder."""
    files = sdn.read_files(folder)
    with database.transaction() as session:
        return imports.import_list(
            session, files, progress=lambda _stored: None, accept_shrunk=accept_shrunk
        )


def _said(text: str) -> str:
    return f'"{text}"' if text else "-0- "
