"""Jobs staged before an upgrade run after it: task names and arguments outlive every rename."""

import json
import re
from inspect import Parameter, signature
from uuid import UUID

import pytest
from rq.utils import import_attribute

from app import tasks as registered_tasks
from app.jobs import dispatch
from app.kit import clock, ids
from app.kit import tasks as kit_tasks
from app.kit.db import Database
from app.outbox.rules import Backoff
from tests.house import snapshot
from tests.people import People

assert registered_tasks  # importing it registers every task

_TASK_LINE = re.compile(r"(\S+)\((.*)\)(?: own transactions)?\s*")
_INSERT_JOB = """
INSERT INTO outbox (id, task, args, queue, staged_at, due_at) VALUES (%s, %s, %s, %s, %s, %s)
"""


def _committed_tasks() -> dict[str, list[str]]:
    """The arguments of every task by its name, from the committed snapshot of stored names."""
    text = (snapshot.HERE / "names.txt").read_text(encoding="utf-8")
    section = text.partition("TASKS\n")[2].partition("\n\n")[0]
    lines = (_TASK_LINE.fullmatch(line) for line in section.splitlines())
    return {line[1]: line[2].split(", ") if line[2] else [] for line in lines if line}


def _insert_job(database: Database, task: str, args: dict[str, object]) -> UUID:
    """Insert the row of a staged job as earlier versions wrote it, without any of our names."""
    identifier, now = ids.new(), clock.now()
    with database.transaction() as session:
        session.send(_INSERT_JOB, (identifier, task, json.dumps(args), "default", now, now))
    return identifier


def test_snapshot_lists_every_task() -> None:
    assert len(_committed_tasks()) > 50


@pytest.mark.parametrize("name", sorted(_committed_tasks()))
def test_stored_task_name_resolves_to_a_task_that_takes_the_stored_arguments(name: str) -> None:
    task = kit_tasks.find(name)
    _, *parameters = signature(task.run).parameters.values()
    required = {p.name for p in parameters if p.default is Parameter.empty}
    accepted = {p.name for p in parameters}
    assert required <= set(_committed_tasks()[name]) <= accepted


def test_rq_job_stored_before_the_upgrade_finds_its_function() -> None:
    assert import_attribute("app.jobs.dispatch.run") is dispatch.run


def test_job_row_staged_before_the_upgrade_is_drained_once(
    database: Database, people: People
) -> None:
    person_id = people.customer().user_id
    args = {
        "user_id": str(person_id),
        "event_key": f"trade_confirmed:{ids.encode('ord', ids.new())}",
        "kind": "trade_confirmed",
        "values": {
            "order": ids.encode("ord", ids.new()),
            "from_amount": "100.00",
            "from_asset": "USD",
            "to_amount": "0.02487500",
            "to_asset": "XAU-s",
            "price": "4000.00",
            "fee_amount": "0.50",
            "fee_asset": "USD",
            "executed_at": "2026-11-22T10:00:00Z",
        },
    }
    identifier = _insert_job(database, "messages.deliver", args)
    for _ in range(2):
        dispatch.execute_job(database, identifier, Backoff())
    with database.reading() as session:
        job = session.row(
            "SELECT done_at IS NOT NULL, dead_at, last_error, tries FROM outbox WHERE id = %s",
            (identifier,),
        )
        delivered = session.rows("SELECT kind FROM messages WHERE user_id = %s", (person_id,))
    assert job == (True, None, None, 1)
    assert delivered == [("trade_confirmed",)]
