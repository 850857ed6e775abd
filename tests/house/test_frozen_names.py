"""Names that clients and stored data rely on, as committed files.

Clients generate code from the OpenAPI document; rows, staged jobs, sealed values and the audit
trail hold the other names. A rename in the code must not change the files. After an intended
change, `SNAPSHOTS=write` writes them again.
"""

import json
from enum import StrEnum
from inspect import signature
from typing import Any

import click
from flask import Flask

from app.approvals import registry as approvals_registry
from app.blueprints.errors import list_error_codes, status_of
from app.jobs.timetable import TIMETABLE
from app.keys.registry import sealed_columns
from app.kit import tasks as kit_tasks
from app.notifications.service import write_values
from tests.house import snapshot
from tests.house.source import import_product
from tests.message_samples import SAMPLES

#: tests/api_document compares the examples.
_PROSE = frozenset({"summary", "description", "example", "examples"})


def _without_prose(document: Any, *, keys_are_names: bool = False) -> Any:
    """Return the document without its prose, which may change at any time."""
    if isinstance(document, list):
        return [_without_prose(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {
        key: _without_prose(value, keys_are_names=key in {"properties", "schemas", "paths"})
        for key, value in document.items()
        if keys_are_names or key not in _PROSE
    }


def test_openapi_document_is_as_committed(app: Flask) -> None:
    document = app.test_client().get("/api/openapi.json").json
    document["info"].pop("version")
    for tag in document["tags"]:
        tag.pop("description")
    text = json.dumps(_without_prose(document), indent=1, ensure_ascii=False, sort_keys=True)
    snapshot.check(snapshot.HERE / "openapi.json", text.splitlines())


def _tasks() -> list[str]:
    ours = sorted(
        name for name in kit_tasks.names() if kit_tasks.find(name).run.__module__.startswith("app.")
    )
    return [
        f"{name}({', '.join(list(signature(kit_tasks.find(name).run).parameters)[1:])})"
        f" {'own transactions' if kit_tasks.find(name).own_transactions else ''}"
        for name in ours
    ]


def _error_codes() -> list[str]:
    import_product()
    return [
        f"{code} {status_of(kinds[0])}"
        for code, kinds in sorted(list_error_codes().items())
        if any(kind.__module__.startswith("app.") for kind in kinds)
    ]


def _enumerations() -> list[str]:
    """Return the values of every enumeration. Their classes may be renamed."""
    import_product()
    kinds = [StrEnum]
    for kind in kinds:
        kinds += kind.__subclasses__()
    ours = [kind for kind in kinds if kind.__module__.startswith("app.") and len(kind)]
    return sorted(" ".join(sorted(kind)) for kind in ours)


def _commands(app: Flask) -> list[str]:
    lines: list[str] = []

    def add(command: click.Command, name: str) -> None:
        shown = [
            p.human_readable_name if isinstance(p, click.Argument) else "/".join(p.opts)
            for p in command.params
        ]
        lines.append(" ".join([name, *sorted(shown)]))
        if isinstance(command, click.Group):
            for part, below in sorted(command.commands.items()):
                add(below, f"{name} {part}")

    for name, command in sorted(app.cli.commands.items()):
        if (command.callback or command.name) and name not in {"db", "routes", "run", "shell"}:
            add(command, name)
    return lines


def test_stored_names_are_as_committed(app: Flask) -> None:
    parts = {
        "TASKS": _tasks(),
        "TIMETABLE": sorted(f"{entry.name} {entry.task}" for entry in TIMETABLE),
        "ERROR CODES": _error_codes(),
        "VALUES OF ENUMERATIONS": _enumerations(),
        "ACTS THAT NEED APPROVAL": sorted(approvals_registry.action_names()),
        "KINDS OF MESSAGES": sorted(
            f"{message.kind.name} {' '.join(write_values(message))}" for message in SAMPLES
        ),
        "SEALED COLUMNS": [f"{c.table}:{c.column}:{c.key}" for c in sealed_columns()],
        "COMMANDS": _commands(app),
    }
    lines = [line for title, part in parts.items() for line in (title, *part, "")]
    snapshot.check(snapshot.HERE / "names.txt", lines)
