"""Runs a state machine of Hypothesis for a given number of steps, in runs of fifty."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import ClassVar

import psycopg
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy.engine import make_url

from app.kit.db import Database
from tests.drill import SEED

STEPS_OF_ONE_RUN = 50
_RUNS_OF_ONE_SEED = 10


class ModelMachine(RuleBasedStateMachine):
    """A machine that compares a database with a model of it after each step."""

    database: ClassVar[Database]
    #: Steps, and refusals by name, over all runs.
    tally: ClassVar[Counter[str]]


@contextmanager
def planning_once(database: Database) -> Iterator[Database]:
    """Let the database's connection plan each statement once: planning would be half of the
    server's work."""
    database.engine.dispose()
    with database.reading() as session:
        session.rows("SET plan_cache_mode = force_generic_plan")
    yield database
    database.engine.dispose()


def explore(machine: type[ModelMachine], steps: int, label: str) -> None:
    """Run the machine until it has done all its steps, from one seed after another: a few more than
    requested, because a run may end early."""
    for number in count(SEED):
        shown = f"{label}: {machine.tally['steps']:,} of {steps:,}, seed {number}\n"
        sys.stdout.write(shown)
        # Shrinking a failure takes many minutes; the printed seed reproduces it unshrunk.
        run_state_machine_as_test(
            seed(number)(machine),
            settings=settings(
                max_examples=_RUNS_OF_ONE_SEED,
                stateful_step_count=STEPS_OF_ONE_RUN,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                database=None,
            ),
        )
        if machine.tally["steps"] >= steps:
            return
        _analyze(machine.database)


def _analyze(database: Database) -> None:
    """Analyze like autovacuum: plans made for empty tables are slow for full ones."""
    url = make_url(os.environ["DATABASE_OWNER_URL"]).set(
        drivername="postgresql", database=database.engine.url.database
    )
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute("ANALYZE")
