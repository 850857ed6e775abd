"""A process that dies between two of its steps, without a process of its own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from app.kit.pipeline import Pipeline, Row, Statement
from tests.scripted_rails import ProcessKilled


class DyingProcess:
    """Our process, which dies at one of its trips to the database: before it is sent, or once it
    was executed. Its connections break, as those of a killed process do, and it does nothing more
    until it is started again."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.trips = self.deaths = 0
        self.is_dead = False
        self._dies_at: tuple[int, bool] | None = None
        self._is_watched = True
        run = Pipeline.run

        def hooked(pipeline: Pipeline, statements: Sequence[Statement]) -> list[list[Row]]:
            return self._make_trip(pipeline, lambda: run(pipeline, statements))

        patch.setattr(Pipeline, "run", hooked)

    def die_at(self, trip: int, *, is_sent: bool) -> None:
        """Die at this trip from now on, counted from 1."""
        self.trips, self._dies_at = 0, (trip, is_sent)

    def start(self, *, for_good: bool = False) -> None:
        """Start the process again if it is dead; `for_good` it does not die any more."""
        self.is_dead = False
        if for_good:
            self._dies_at = None

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Count no trips in the block: the test makes them."""
        before, self._is_watched = self._is_watched, False
        try:
            yield
        finally:
            self._is_watched = before

    def _make_trip(self, pipeline: Pipeline, run: Callable[[], list[list[Row]]]) -> list[list[Row]]:
        if not self._is_watched:
            return run()
        if self.is_dead:
            self._break(pipeline)
        self.trips += 1
        if self._dies_at == (self.trips, False):
            self._break(pipeline)
        rows = run()
        if self._dies_at == (self.trips, True):
            self._break(pipeline)
        return rows

    def _break(self, pipeline: Pipeline) -> None:
        self.deaths += not self.is_dead
        self.is_dead = True
        pipeline._connection.close()
        raise ProcessKilled
