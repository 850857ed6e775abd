"""Clients that others generate from the API document make the README's tour."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from tests.house.source import CHECKOUT
from tests.people import set_prices
from tests.served_app import serve
from tests.skip_policy import PLATFORM_REASON

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
#: Programs for Node.js, which pip cannot install: `npm install` there does.
NODE = CHECKOUT / "tooling" / "clients"


@pytest.fixture
def document(lone_app: Flask, tmp_path: Path) -> Path:
    """Save the document as a file."""
    file = tmp_path / "openapi.json"
    file.write_bytes(lone_app.test_client().get("/api/openapi.json").data)
    return file


@pytest.fixture
def programs() -> Path:
    """Return the folder with the programs of tooling/clients/package.json."""
    folder = NODE / "node_modules" / ".bin"
    # bin/test installs them; where npm is missing or reaches no registry, nothing else can.
    if shutil.which("node") is None or not folder.is_dir():
        pytest.skip(f"{PLATFORM_REASON}no Node.js programs: npm install in tooling/clients")
    return folder


def pay_in(app: Flask) -> None:
    """Confirm the customer's address and credit 1,000 dollars, as the README's tour does."""
    command = ["sample", "credit", EMAIL, "USD", "1000"]
    assert app.test_cli_runner().invoke(args=command).exit_code == 0


def test_client_of_openapi_python_client_makes_the_tour(
    lone_app: Flask, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"post_hooks": []}))
    command: list[object] = [sys.executable, "-m", "openapi_python_client", "generate"]
    command += ["--meta", "none", "--config", config]
    command += ["--path", document, "--output-path", tmp_path / "pbcex_client"]
    made = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    # Files are the only responses that it leaves out.
    assert [line for line in made.stderr.splitlines() if line.startswith("WARNING")] == [
        "WARNING parsing GET /api/shop/returns/{return_id}/label within shop_returns.",
        "WARNING parsing GET /api/shop/orders/{order_id}/pro-forma within shop_documents.",
        "WARNING parsing GET /api/shop/documents/{document_id} within shop_documents.",
        "WARNING parsing GET /api/me/export/{export_id}/archive within privacy.",
    ]
    monkeypatch.syspath_prepend(tmp_path)
    set_prices(lone_app.extensions["database"], AU="4000")

    def call(name: str, **arguments: Any) -> Any:
        module = importlib.import_module(f"pbcex_client.api.{name}")
        response = module.sync_detailed(**arguments)
        return response.status_code, response.parsed

    client, models = (
        importlib.import_module(f"pbcex_client.{name}") for name in ("client", "models")
    )
    with serve(lone_app) as port:
        address = f"http://127.0.0.1:{port}"
        ada = models.Register(EMAIL, PASSWORD, "Ada", "Lovelace")
        status, tokens = call("auth.auth_register", client=client.Client(address), body=ada)
        assert status == 201
        pay_in(lone_app)
        me = client.AuthenticatedClient(address, token=tokens.access_token)
        _, prices = call("trade.trade_prices", client=me)
        [gold] = [price for price in prices.data if price.asset == "XAU-s"]
        assert gold.ask == "4008.000000"
        wish = models.ConversionRequest(
            models.ConversionRequestFromAsset("USD"),
            models.ConversionRequestToAsset("XAU-s"),
            from_amount="100.00",
        )
        _, quote = call("trade.trade_quote", client=me, body=wish)
        order, key = models.OrderRequest(quote_id=quote.id), uuid4().hex
        first = call("trade.trade_place_order", client=me, body=order, idempotency_key=key)
        assert first == call("trade.trade_place_order", client=me, body=order, idempotency_key=key)
        status, refused = call(
            "trade.trade_place_order", client=me, body=order, idempotency_key="another"
        )
        assert (status, refused.code) == (409, "quote_used")
        _, balances = call("wallet.wallet_balances", client=me)
        [dollars] = [holding for holding in balances.funding if holding.asset == "USD"]
        assert dollars.available == "900.00"


def test_client_of_openapi_typescript_makes_the_tour(
    lone_app: Flask, document: Path, programs: Path, tmp_path: Path
) -> None:
    set_prices(lone_app.extensions["database"], AU="4000")
    shutil.copy(NODE / "tour.ts", tmp_path)
    (tmp_path / "node_modules").symlink_to(NODE / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"]
    for command in (
        [programs / "openapi-typescript", document, "-o", tmp_path / "schema.d.ts"],
        [programs / "tsc", *options, tmp_path / "tour.ts"],
    ):
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
    with serve(lone_app) as port:
        tour = subprocess.Popen(
            ["node", tmp_path / "tour.js", f"http://127.0.0.1:{port}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert tour.stdout is not None
        # It registers, and goes on once its customer has money.
        assert tour.stdout.readline() == f"{EMAIL}\n"
        pay_in(lone_app)
        output, problems = tour.communicate("go on\n", timeout=60)
    assert (tour.returncode, output.split()) == (0, ["4008.000000", "quote_used", "900.00"]), (
        problems
    )


def test_redocly_finds_nothing_to_improve(document: Path, programs: Path) -> None:
    config = NODE / "redocly.yaml"
    run = subprocess.run(
        [programs / "redocly", "lint", document, "--config", config, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(run.stdout)["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}
