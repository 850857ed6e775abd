"""Measure screenings per second against the whole real list, each stored as in production.

Half of the names are listed names with one letter changed; the others combine a given and a family
name of different listed parties, which are more alike than ordinary names.

`python -m bench.screening SECONDS PART` is one process; it prints how many it screened.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from app.factory import create_app
from app.kit import ids
from app.screening.lists import activation, imports, index, sdn
from app.screening.matching import service as screening
from app.screening.rules import PartyType, ScreeningSubject
from bench import parallel
from bench.market_setup import database_of
from bench.server import CHECKOUT, BenchServer

#: The folder of the real list, which the project does not ship; PBCEX_BENCH_SDN overrides it.
DEFAULT_LIST_FOLDER = CHECKOUT.parent / "shared" / "data" / "ofac"
PROCESSES = 2
#: The required rate on two cores.
WANTED_PER_SECOND = 100
ALLOWED_IMPORT_SECONDS = 30

Add = Callable[[str, float], None]


def list_folder() -> Path:
    """Return the folder of the real list."""
    return Path(os.environ.get("PBCEX_BENCH_SDN") or DEFAULT_LIST_FOLDER)


def names_to_screen(files: sdn.SdnFiles) -> list[str]:
    """Return the names to screen, in a fixed order."""
    people = [
        entry.name.partition(",")
        for entry in files.entries
        if entry.party_type is PartyType.INDIVIDUAL and "," in entry.name
    ]
    names = []
    for place, (family, _, given) in enumerate(people):
        names.append(f"{given} {family[:-1]}x")
        names.append(f"{given} {people[(place * 7 + 1) % len(people)][0]}")
    return names


def measure(bench: BenchServer, rounds: int, seconds: int, add: Add) -> None:
    """Measure the import of the list until it is current, how long indexing it takes in a process
    that starts, and screenings per second beside the required rate."""
    app = create_app(bench.settings)
    database = database_of(app)
    started = time.perf_counter()
    files = sdn.read_files(list_folder())
    with database.transaction() as session:
        version = imports.import_list(session, files, progress=lambda _stored: None).version
    add("store_seconds", time.perf_counter() - started)
    prepared = time.perf_counter()
    index.prepare(database)
    add("index_seconds", time.perf_counter() - prepared)
    activation.activate(database, version)
    add("import_seconds", time.perf_counter() - started)
    add("allowed_import_seconds", ALLOWED_IMPORT_SECONDS)
    database.engine.dispose()
    shares = [[str(seconds), str(part)] for part in range(PROCESSES)]
    for _ in range(rounds):
        done = parallel.run_and_sum("bench.screening", shares, parallel.process_environment(bench))
        add("screenings_per_second", done / seconds)
        add("wanted_per_second", WANTED_PER_SECOND)


def main() -> None:
    """Screen the names in turn, as fast as possible."""
    seconds, part = float(sys.argv[1]), int(sys.argv[2])
    names = names_to_screen(sdn.read_files(list_folder()))
    database = database_of(create_app())
    index.prepare(database)
    print("ready", flush=True)
    sys.stdin.readline()
    done, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        person = ids.new()
        name = names[(done * PROCESSES + part) % len(names)]
        with database.transaction() as session:
            screening.screen(
                session,
                ScreeningSubject((name,), party_type=PartyType.INDIVIDUAL),
                about=ids.encode("usr", person),
                purpose="bench",
                person_id=person,
            )
        done += 1
    print(done, flush=True)


if __name__ == "__main__":
    main()
