"""The navigation of the desks: what each role finds in it, and how it is read."""

import pytest

from app.access import Role
from app.blueprints import nav
from app.kit.db import Database
from app.kit.pipeline import Pipeline, Row, Statement
from tests.people import People


def test_counts_of_the_sidebar_take_one_round_trip(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []
    run = Pipeline.run

    def count_trip(pipeline: Pipeline, statements: list[Statement]) -> list[list[Row]]:
        trips.append(len(statements))
        return run(pipeline, statements)

    monkeypatch.setattr(Pipeline, "run", count_trip)
    admin = people.staff(Role.ADMIN)
    trips.clear()
    with database.reading() as session:
        counts = nav.counts(session, admin)
    assert trips == [len(counts)]
    assert len(counts) > 1
