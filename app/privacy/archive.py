"""Build the archive of a data export: a zip with one JSON file per room and an index page. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
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


def build(
    sections: Mapping[str, ExportSections],
    files: ExportFiles,
    rooms: tuple[PersonalData, ...],
    *,
    export: str,
    person: str,
    at: datetime,
) -> bytes:
    """Return the zip archive of a person's data.

    `index.html` is for people. Each `<room>.json` is an object with a list for each section of
    `sections`. `files` are added unchanged.
    """
    buffer = BytesIO()
    index = _TEMPLATES.get_template("index.html").render(
        format=FORMAT,
        export=export,
        person=person,
        at=clock.rfc3339(at),
        sections=sections,
        files=sorted(files),
        tables=[(room.name, table) for room in rooms for table in room.tables.values()],
    )
    with ZipFile(buffer, "w", ZIP_DEFLATED) as made:
        _write(made, "index.html", index, at)
        for room, room_sections in sections.items():
            text = json.dumps(dict(room_sections), ensure_ascii=False, indent=2)
            _write(made, f"{room}.json", text, at)
        for name, data in files.items():
            _write(made, name, data, at)
    return buffer.getvalue()


def _write(archive: ZipFile, name: str, content: str | bytes, at: datetime) -> None:
    entry = ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    # Once unpacked, the file is readable by its owner only.
    entry.external_attr = 0o600 << 16
    archive.writestr(entry, content)
