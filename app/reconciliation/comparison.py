"""A comparison of our books with one source: its results so far, and the cases that it opens.

The same difference opens one case, however many nights it is found.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from app.cases import service as cases
from app.kit.db import Database, DatabaseUnavailable
from app.kit.errors import NotFinished
from app.providers.errors import ProviderRefused
from app.providers.ports import SetAsideRow
from app.providers.set_aside import report_row
from app.reconciliation.queries import CASE_KIND

_log = structlog.get_logger()


@dataclass(slots=True)
class Comparison:
    """A comparison with one source, and its results so far."""

    database: Database
    source: str
    since: datetime
    compared: int = 0
    healed: int = 0
    differences: int = 0
    #: Why some of the items could not be compared.
    unclear: list[str] = field(default_factory=list)

    @contextmanager
    def item(self) -> Iterator[None]:
        """Count one of many items. An error is noted and does not stop the others."""
        self.compared += 1
        with self.noting_error():
            yield

    @contextmanager
    def noting_error(self) -> Iterator[None]:
        """Note an error of the block as an unclear item. Raises `DatabaseUnavailable`."""
        try:
            yield
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the other items are compared all the same
            self.unclear.append(describe_failure(error, self.source))

    def set_aside(self, rows: Iterable[SetAsideRow], provider: str, records: str) -> None:
        """Count the rows that cannot be read. Each opens a case, once, and is a difference for as
        long as the case is open."""
        for row in rows:
            with self.item(), self.database.transaction() as session:
                self.differences += report_row(session, provider, records, row)

    def report_foreign(self, key: str, title: str, facts: Mapping[str, str]) -> None:
        """Open a case, once, for a row about nothing that we did: a difference for as long as the
        case is open."""
        with self.database.transaction() as session:
            case = cases.open_once(
                session, kind=CASE_KIND, subject=key, key=f"{self.source}:{key}", title=title,
                facts={"source": self.source, **facts},
            )  # fmt: skip
            self.differences += case.is_open

    def report(self, key: str, title: str, facts: Mapping[str, str]) -> None:
        """Count a difference and open a case for it, unless it has one."""
        self.differences += 1
        with self.database.transaction() as session:
            cases.open_case(
                session, kind=CASE_KIND, subject=key, key=f"{self.source}:{key}", title=title,
                facts={"source": self.source, **facts},
            )  # fmt: skip


def describe_failure(error: Exception, source: str) -> str:
    """Return what the result of a comparison says about an error.

    The message of an unforeseen error may contain personal data: it goes to the log, without its
    values, and only its type is returned.
    """
    if isinstance(error, NotFinished | ProviderRefused):
        return f"{type(error).__name__}: {error}"
    _log.error("reconciliation_failed", source=source, exc_info=error)
    return type(error).__name__
