"""The sanctions lists of the sample: fictitious parties, in the format of the real list."""

from pathlib import Path

from app.kit.db import Database
from app.screening.lists import activation, imports, sdn

_HERE = Path(__file__).resolve().parent
#: The first version, and a later one with one party more.
FIRST_LIST, LATER_LIST = _HERE / "sanctions", _HERE / "sanctions_later"


def import_list(database: Database, folder: Path = FIRST_LIST) -> None:
    """Import a list, and let screenings use it."""
    with database.transaction() as session:
        files = sdn.read_files(folder)
        imported = imports.import_list(session, files, progress=lambda _stored: None)
    activation.activate(database, imported.version)
