"""Examples for the OpenAPI document: answers that the tests of the API got.

`api/examples.json` is written by tests/api_document with SNAPSHOTS=write, and compared with the
answers of each run.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "api" / "examples.json"
#: Refusals that every operation may give are kept under this name.
_ALL = "*"


@cache
def _recorded() -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return recorded


def find_exchange(operation_id: str, status: int) -> dict[str, Any]:
    """Return the `query` and `body` that were sent and what was `received`; empty if unknown."""
    exchanges = _recorded().get(operation_id, {}).get("responses", {})
    exchange: dict[str, Any] = exchanges.get(str(status), {})
    return exchange


def find_problems(operation_id: str, codes: list[str]) -> dict[str, Any]:
    """Return the example of each code: the operation's own, or a reference to the shared one."""
    own = _recorded().get(operation_id, {}).get("problems", {})
    return {
        code: {"value": own[code]} if code in own else {"$ref": f"#/components/examples/{code}"}
        for code in codes
        if code in own or code in shared_problems()
    }


def referenced_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Return the shared examples that the operations of the document refer to."""
    paths = json.dumps(document["paths"])
    return {
        code: {"value": problem}
        for code, problem in shared_problems().items()
        if f'"#/components/examples/{code}"' in paths
    }


@cache
def shared_problems() -> dict[str, Any]:
    """Return an example of each code for the operations that have none of their own."""
    recorded = _recorded()
    shared = dict(recorded.get(_ALL, {}).get("problems", {}))
    for operation_id in sorted(recorded):
        for code, problem in recorded[operation_id]["problems"].items():
            if code != "validation_failed":
                shared.setdefault(code, problem)
    return shared
