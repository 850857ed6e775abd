"""What a process keeps in memory and builds in seconds: outside any transaction, which would hold
locks and a connection meanwhile.
"""

from collections.abc import Callable
from typing import TypeVar

from app.kit.db import Database

T = TypeVar("T")

#: One more than what may become current while another is prepared.
_TRIES = 3


class NotPrepared(Exception):
    """Something that this transaction needs is not in memory yet. `prepare` builds it."""

    def __init__(self, what: str, prepare: Callable[[Database], object]) -> None:
        self.prepare = prepare
        super().__init__(f"{what} is not prepared in this process")


def run_prepared(database: Database, run: Callable[[], T]) -> T:
    """Run something with transactions of its own; run it again where it lacked what is prepared.

    The transaction that met `NotPrepared` has ended by then, without a trace. Raises it if what is
    prepared is outdated each time.
    """
    for _ in range(_TRIES - 1):
        try:
            return run()
        except NotPrepared as missing:
            missing.prepare(database)
    return run()
