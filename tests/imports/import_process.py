"""Jobs of imports in a process of their own, which a test kills: `JOB IMPORT_ID`."""

import resource
import sys
from collections.abc import Callable, Mapping
from uuid import UUID

from app.factory import create_app
from app.imports import service
from app.imports.rules import ImportState
from app.kit.db import Database

BEGUN = "begun"


def main() -> None:
    """Run the job; print when it begins, and by how many MB its memory grew."""
    _, job, import_id = sys.argv
    database: Database = create_app().extensions["database"]
    before = _peak_kilobytes()
    print(BEGUN, flush=True)
    _JOBS[job](database, UUID(import_id))
    print((_peak_kilobytes() - before) // 1024, flush=True)


def _apply_in_parts(database: Database, import_id: UUID) -> None:
    """Wrong: each part has a transaction of its own."""
    loaded = service._load(database, import_id, ImportState.APPLYING)
    assert loaded is not None
    for part in service._batches(loaded.rows, 20):
        with database.transaction() as session:
            write = loaded.kind.open_batch(session, loaded.actor, [row.cells for row in part])
            for row in part:
                write(row.cells)


_JOBS: Mapping[str, Callable[[Database, UUID], None]] = {
    "check": service.check_rows,
    "apply": service.apply_rows,
    "apply in parts": _apply_in_parts,
}


def _peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
