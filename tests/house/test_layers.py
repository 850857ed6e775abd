"""The contracts of import-linter cover every package; bin/test runs them before the tests."""

import re
import tomllib

import app
from tests.house.source import CHECKOUT, python

CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"][
        "importlinter"
    ]["contracts"]
}
LAYERS = [re.split(r" \| ", layer) for layer in CONTRACTS["layers"]["layers"]]
#: Packages that are no capabilities: the edges, their wiring, and the lowest layer.
NOT_CAPABILITIES = {
    *("factory", "wiring", "blueprints", "jobs", "cli", "integrations", "models", "tasks"),
    "sample",
    *("config", "embedded"),
}


def test_contract_of_capabilities_covers_every_room() -> None:
    packages = {name for layer in LAYERS for name in layer} - NOT_CAPABILITIES
    assert set(CONTRACTS["capabilities"]["source_modules"]) == {f"app.{name}" for name in packages}


def test_docstring_of_app_shows_the_layers_in_force() -> None:
    shown = re.findall(r"^    ([a-z_| ]+?)  +\S", app.__doc__ or "", re.MULTILINE)
    assert [re.split(r" \| ", layer) for layer in shown] == LAYERS


def test_the_processes_reach_rq_through_jobs_only() -> None:
    imports = re.compile(r"^\s*(from|import) (rq|redis|httpx)\b", re.MULTILINE)
    assert not [
        s.name for s in python("wsgi.py", "internal.py", "worker.py") if imports.search(s.text)
    ]
