"""Write the archive of a data export: a zip with one JSON file per room and an index page. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO, RawIOBase, TextIOWrapper
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.kit import clock
from app.kit.personal import ExportFiles, ExportSections, PersonalData

FORMAT = "pbcex archive 1"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write(
    file: RawIOBase | BytesIO,
    sections: Mapping[str, ExportSections],
    files: ExportFiles,
    rooms: tuple[PersonalData, ...],
    *,
    export: str,
    person: str,
    at: datetime,
) -> None:
    """Write the zip archive of a person's data to a file, from its beginning to its end.

    `index.html` is for people. Each `<room>.json` is an object with a list for each section of
    `sections`. `files` are added unchanged, each read when its turn comes.
    """
    index = _TEMPLATES.get_template("index.html").render(
        format=FORMAT,
        export=export,
        person=person,
        at=clock.rfc3339(at),
        sections=sections,
        files=sorted(files),
        tables=[(room.name, table) for room in rooms for table in room.tables.values()],
    )
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr(_entry("index.html", at), index)
        for room, room_sections in sections.items():
            with (
                archive.open(_entry(f"{room}.json", at), "w") as entry,
                TextIOWrapper(entry, encoding="utf-8") as text,
            ):
                json.dump(dict(room_sections), text, ensure_ascii=False, indent=2)
        for name, read in files.items():
            archive.writestr(_entry(name, at), read())


def _entry(name: str, at: datetime) -> ZipInfo:
    entry = ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    # Once unpacked, the file is readable by its owner only.
    entry.external_attr = 0o600 << 16
    return entry
