"""`flask pricing`: halting a market from the command line, and lifting the halt."""

from flask import Flask

from app.cli.pricing import pricing
from app.kit.db import Database
from app.pricing import queries
from app.pricing.rules import HaltReason


def test_market_is_halted_and_resumed_by_command(app: Flask, database: Database) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(pricing, arguments)
        return result.exit_code, result.output

    halt = ("halt", "PAXG", "--reason", "the custodian is down")
    assert run(*halt, "--category", "provider") == (
        0,
        "PAXG is halted: a provider is unavailable\n",
    )
    with database.reading() as session:
        market = queries.get_market(session, "PAXG")
    assert (market.halted_reason, market.note, market.halted_by) == (
        HaltReason.PROVIDER,
        "the custodian is down",
        None,
    )
    assert run(*halt) == (1, "Error: This market is halted already. Nothing was changed.\n")
    resume = ("resume", "PAXG", "--reason", "it is back")
    assert run(*resume) == (0, "PAXG is not halted any more\n")
    assert run(*resume) == (1, "Error: This market is not halted. Nothing was changed.\n")
    code, output = run("halt", "PAXG", "--reason", "why")
    assert (code, "Enter a reason" in output) == (1, True)
    assert run("halt", "GOLD", "--reason", "a long reason")[0] == 2
