"""Tasks are found by name, and by the facts that they subscribe to."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from app.kit import tasks as kit_tasks
from app.kit.facts import Fact
from app.kit.tasks import Queue


@dataclass(frozen=True, slots=True)
class DoorOpened(Fact):
    """A fact with an id, and with a text that may be absent."""

    door_id: UUID
    opened_by: str | None


@pytest.fixture(autouse=True)
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit_tasks, "_TASKS", dict(kit_tasks._TASKS))
    monkeypatch.setattr(kit_tasks, "_SUBSCRIBERS", {})


def test_fact_becomes_the_arguments_of_each_task_that_subscribes_to_it() -> None:
    for name in ("tests.greet", "tests.count"):
        kit_tasks.task(name, queue=Queue.LEDGER, on=DoorOpened)(
            lambda session, *, door_id, opened_by: None
        )
    assert kit_tasks.subscribers(DoorOpened) == ("tests.greet", "tests.count")
    door_id = uuid4()
    assert DoorOpened(door_id, None).to_arguments() == {"door_id": str(door_id), "opened_by": None}


def test_fact_without_a_subscriber_is_refused() -> None:
    with pytest.raises(LookupError, match="no task subscribes to DoorOpened"):
        kit_tasks.subscribers(DoorOpened)


def test_subscriber_with_other_arguments_than_the_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="DoorOpened states"):
        kit_tasks.task("tests.greet", queue=Queue.LEDGER, on=DoorOpened)(
            lambda session, *, door_id: None
        )
    assert "tests.greet" not in kit_tasks.names()


def test_second_task_of_the_same_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"two tasks are named outbox\.prune_done"):
        kit_tasks.task("outbox.prune_done", queue=Queue.NIGHTLY)(lambda session: None)
