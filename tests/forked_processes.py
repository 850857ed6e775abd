"""Programs under test, each in its own process, forked from a process that has loaded them.

Loading the program takes seconds, forking almost no time: a fork server of this test process loads
it once. Each process has its own environment and log, and can be killed like any other.
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
    """Start `main` of a module with these arguments as a process, which the caller must end."""
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
