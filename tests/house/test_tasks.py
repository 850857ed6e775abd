"""Tasks are found by name: every staged task and every task of the timetable exists."""

import ast
import sys
from inspect import signature

from app import tasks as registered
from app.jobs.timetable import TIMETABLE
from app.kit import tasks as kit_tasks
from app.kit.facts import Fact
from app.providers.ports import ProviderFact
from tests.house.source import python

assert registered  # importing it registers every task
#: Tasks whose name keeps the room they came from: jobs staged under it must still be found.
MOVED = {"reporting.reconcile": "reconciliation"}
FACTS = [
    fact
    for fact in (*Fact.__subclasses__(), *ProviderFact.__subclasses__())
    if fact.__module__.startswith("app.") and fact is not ProviderFact
    # A dataclass with slots replaces the class that it was declared as.
    if getattr(sys.modules[fact.__module__], fact.__name__) is fact
]
OURS = sorted(
    name for name in kit_tasks.names() if kit_tasks.find(name).run.__module__.startswith("app.")
)


def test_task_is_named_after_its_room_and_takes_a_session_or_database_first() -> None:
    for name in OURS:
        task = kit_tasks.find(name)
        room = MOVED.get(name, name.partition(".")[0])
        assert room == task.run.__module__.split(".")[1], name
        first, *others = signature(task.run).parameters.values()
        assert first.name == ("database" if task.own_transactions else "session"), name
        assert all(other.kind is other.KEYWORD_ONLY for other in others), name


def test_task_is_declared_in_the_tasks_of_its_room() -> None:
    modules = {kit_tasks.find(name).run.__module__ for name in OURS}
    files = {source.name for source in python("app/") if source.name.endswith("/tasks.py")}
    declared = {f"{module.replace('.', '/')}.py" for module in modules}
    assert declared == files - {"app/kit/tasks.py", "app/tasks.py"}


def test_tasks_of_the_timetable_take_no_arguments() -> None:
    for entry in TIMETABLE:
        assert len(signature(kit_tasks.find(entry.task).run).parameters) == 1, entry.name
    assert len({entry.name for entry in TIMETABLE}) == len(TIMETABLE)


def test_every_staged_task_is_registered() -> None:
    staged = {
        node.args[1].value: f"{source.name}:{node.lineno}"
        for source in python("app/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"stage", "outbox.stage"}
        if isinstance(node.args[1], ast.Constant)
    }
    assert "messages.deliver" in staged
    assert {name: at for name, at in staged.items() if name not in kit_tasks.names()} == {}


def test_every_fact_has_a_subscriber() -> None:
    assert FACTS
    assert {fact.__name__ for fact in FACTS if not kit_tasks.subscribers(fact)} == set()


def test_every_task_is_staged_or_subscribes_or_is_in_the_timetable() -> None:
    text = "".join(source.text for source in python("app/"))
    timetable = {entry.task for entry in TIMETABLE}
    subscribed = {name for fact in FACTS for name in kit_tasks.subscribers(fact)}
    functions = "".join(source.text for source in python("migrations/"))
    staged_by_database = {name for name in OURS if f"'{name}'" in functions}
    others = set(OURS) - timetable - subscribed - staged_by_database
    assert {name for name in others if text.count(f'"{name}"') < 2} == set()


def test_adapters_publish_facts_and_name_no_task() -> None:
    named = {
        f"{source.name}: {name}"
        for source in python("app/integrations/")
        for name in OURS
        if f'"{name}"' in source.text
    }
    assert named == set()
