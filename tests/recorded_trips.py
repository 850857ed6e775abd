"""The trips to the database that a piece of code makes."""

from collections.abc import Sequence

import pytest

from app.kit.pipeline import Pipeline, Row, Statement


def record_trips(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list that grows by the statements of each trip from now on, until the test ends."""
    trips: list[list[str]] = []
    run = Pipeline.run

    def run_recorded(pipeline: Pipeline, statements: Sequence[Statement]) -> list[list[Row]]:
        trips.append([" ".join(text.split()) for text, _parameters in statements])
        return run(pipeline, statements)

    monkeypatch.setattr(Pipeline, "run", run_recorded)
    return trips
