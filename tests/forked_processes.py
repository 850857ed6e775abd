"""Programs under test, each a process of its own, forked from one that has loaded them.

To load the program takes seconds of work, to fork next to none: a fork server of this test process
loads it once. What it starts has its own environment and log, and is killed like any other.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["worker", "flask.cli", __name__])


def start_process(
    main: Callable[[], object], *argv: str, environ: Mapping[str, str], log: Path
) -> BaseProcess:
    """`main` of a module with these arguments, as a process; it is for the caller to end it."""
    process = _CONTEXT.Process(target=_become, args=(main, argv, dict(environ), log))
    process.start()
    return process


def _become(
    main: Callable[[], object], argv: Sequence[str], environ: dict[str, str], log: Path
) -> None:
    os.environ.clear()
    os.environ.update(environ)
    with log.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    sys.argv = list(argv)
    main()
