"""The README is correct: its tour runs, its files and functions exist, its SQL suffices."""

import json
import os
import re
import shutil
import subprocess
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_migrate import upgrade

from app.config import PROJECT, Settings, UnsafeSettings
from app.embedded.sample_people import PASSWORD, SAMPLE_PEOPLE
from app.factory import create_app
from app.kit.db import Database
from tests.api_client import ApiClient
from tests.house.source import CHECKOUT
from tests.people import People, set_prices
from tests.recorded_trips import record_trips
from tests.served_app import serve
from tests.skip_policy import PLATFORM_REASON

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
_END_OF_BLOCK = "---- end of block ----"


def _block(kind: str) -> str:
    [text] = [text for name, text in BLOCKS if name == kind]
    return str(text)


def _tour() -> list[tuple[str, str, str]]:
    """Return each command with the kind and text of the output that the README shows."""
    steps = []
    for (kind, text), (next_kind, output) in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True):
        if kind == "bash":
            shown = next_kind in {"json", "text"}
            steps.append((text, next_kind if shown else "", output if shown else ""))
    return steps


def _normalise(text: str) -> str:
    """Replace what differs between runs: ids, times and digits before the decimal point."""
    text = re.sub(r"\b(usr|qt|trd|USR)([_-])[0-9A-Za-z]{26}\b", r"\1\2ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
    text = re.sub(r"\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC", "TIME", text)
    # An exact amount ends where its decimals end.
    text = re.sub(r"\d[\d,]*\.\d{5,}", "EXACT", text)
    text = re.sub(r"\d+(\.\d+)?", lambda n: "0" + re.sub(r"\d", "0", n[1] or ""), text)
    return re.sub(r" +", " ", text)


def _normalise_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _normalise_json(below) for name, below in value.items()}
    if isinstance(value, list):
        return [_normalise_json(below) for below in value]
    return _normalise(value) if isinstance(value, str) else value


@pytest.mark.timeout(300)  # starts a dozen programs in sequence
def test_tour_of_the_readme_gives_the_shown_output(lone_app: Flask) -> None:
    for program in ("bash", "curl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    # To have prices, as after bin/run, but not the whole sample: a person is here already.
    People(lone_app.extensions["database"]).customer()
    assert lone_app.test_cli_runner().invoke(args=["sample", "load"]).exit_code == 0
    script = "".join(f"{command}\necho '{_END_OF_BLOCK}'\n" for command, _, _ in _tour())
    settings: Settings = lone_app.extensions["settings"]
    with serve(lone_app) as port:
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=CHECKOUT,
            env={
                **os.environ,
                "PORT": str(port),
                "PBCEX_DATA_DIR": str(settings.data_dir),
                "DATABASE_URL": settings.database_url,
                "DATABASE_OWNER_URL": settings.database_owner_url,
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr + run.stdout
    outputs = run.stdout.split(f"{_END_OF_BLOCK}\n")[:-1]
    for (command, kind, expected), output in zip(_tour(), outputs, strict=True):
        if kind == "json":
            assert _normalise_json(json.loads(output)) == _normalise_json(json.loads(expected)), (
                command
            )
        else:
            assert _normalise(output).strip() == _normalise(expected).strip(), command


def test_functions_of_the_traced_request_exist() -> None:
    traced = re.findall(r"^\| `([\w/]+\.py)` `(\w+)` \|", README, re.MULTILINE)
    assert len(traced) > 10
    for file, name in traced:
        text = (CHECKOUT / file).read_text(encoding="utf-8")
        assert re.search(rf"^ *(def|class) {name}\b", text, re.MULTILINE), f"{file} {name}"


@pytest.mark.parametrize("at_a_quote", [True, False])
def test_order_takes_two_trips_to_postgresql(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, *, at_a_quote: bool
) -> None:
    set_prices(database, AU="4000")
    ada = ApiClient.create_customer(app, USD="200.00")
    wish = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
    quote = ada.ok(201, ada.post("/api/trade/quote", wish))
    trips = record_trips(monkeypatch)
    ada.ok(201, ada.post("/api/trade/order", {"quoteId": quote["id"]} if at_a_quote else wish))
    assert [[text.split(maxsplit=1)[0] for text in trip] for trip in trips] == [
        ["BEGIN", "SELECT", "SELECT", "SELECT", *["SELECT"] * (2 if at_a_quote else 1)],
        ["INSERT", "SELECT", "INSERT", "INSERT", "COMMIT"],
    ]


def test_every_file_named_in_a_document_exists() -> None:
    for document in (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))):
        text = document.read_text(encoding="utf-8")
        linked = re.findall(r"\]\((?!https?:)([^)#]+)", text)
        named = re.findall(r"`((?:app|migrations|tests|docs|tooling|bin)/[\w./-]*\w)`", text)
        missing = [name for name in linked if not (document.parent / name).exists()]
        missing += [name for name in named if not (CHECKOUT / name).exists()]
        assert missing == [], document.name


def test_every_sample_person_is_named_with_the_password() -> None:
    rows = re.findall(r"^\| (`.+@pbcex\.local`) \|", README, re.MULTILINE)
    named = {email for row in rows for email in re.findall(r"`(.+?)`", row)}
    assert named == {person.email for person in SAMPLE_PEOPLE}
    assert f"`{PASSWORD}`" in README


def test_map_of_the_readme_shows_every_package() -> None:
    packages = {path.parent.name for path in (CHECKOUT / "app").glob("*/__init__.py")}
    _, _, shown = README.partition("## The map")
    assert {name for name in packages if not re.search(rf"\b{name}\b", shown)} == set()


def test_database_roles_of_the_readme_can_migrate_and_serve(worker_id: str) -> None:
    superuser = os.environ["PBCEX_TEST_SUPERUSER_URL"].replace("+psycopg", "")
    if not superuser:
        pytest.skip(f"{PLATFORM_REASON}no roles may be created on these servers")
    name = f"pbcex_readme_{worker_id}"
    script = _block("sql").replace("pbcex", name)
    host = superuser.rpartition("@")[2].partition("/")[0]
    settings = Settings(
        database_url=f"postgresql://{name}_app:second secret@{host}/{name}",
        database_owner_url=f"postgresql://{name}_owner:first secret@{host}/{name}",
    )
    with psycopg.connect(superuser, autocommit=True) as server:
        for statement in script.split(";\n")[:-1]:
            server.execute(statement)
        app = create_app(settings)
        try:
            with app.app_context():
                upgrade(str(PROJECT / "migrations"))
            with app.extensions["database"].transaction() as session:
                assert session.rows("SELECT ledger_roll_up()") == [(0,)]
        finally:
            app.extensions["database"].engine.dispose()
            server.execute(f"DROP DATABASE {name}")
            server.execute(f"DROP ROLE {name}_owner, {name}_app")


def test_readme_shows_every_setting_that_production_requires() -> None:
    shown = set(re.findall(r"^([A-Z_]+)=", _block("sh"), re.MULTILINE))
    with pytest.raises(UnsafeSettings) as caught:
        Settings.load(
            env="production",
            DATABASE_URL="",
            REDIS_URL="",
            PBCEX_SECRET_KEY="",
            # Tests hash passwords at less cost.
            argon2_memory_kib=19_456,
            argon2_passes=2,
        )
    assert caught.value.problems.keys() <= shown
