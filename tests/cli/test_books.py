"""The export of the journal does not hold a transaction open for a slow reader."""

import inspect
from io import StringIO

import pytest
from flask import Flask

from app.cli.books import export_books
from app.kit.db import Database


class SlowReader(StringIO):
    """An output whose every write waits: it looks for transactions that wait for it."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self.waiting = 0

    def write(self, text: str) -> int:
        with self._database.reading() as session:
            self.waiting += session.value(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%%'"
            )
        return super().write(text)


@pytest.mark.parametrize("form", ["beancount", "hledger"])
def test_export_holds_no_transaction_open_for_its_reader(lone_app: Flask, form: str) -> None:
    reader = SlowReader(lone_app.extensions["database"])
    assert export_books.callback is not None
    with lone_app.app_context():
        inspect.unwrap(export_books.callback)(form=form, output=reader)
    assert reader.getvalue()
    assert reader.waiting == 0


def test_statement_of_head_office_is_written_as_csv(lone_app: Flask) -> None:
    run = lone_app.test_cli_runner().invoke
    written = run(args=["books", "statement", "--from", "2026-01-01", "--of", "HQ"])
    assert written.exit_code == 0, written.output
    head, *rows = written.output.splitlines()
    assert head == "statement,section,line,account,asset,from,to,amount,value"
    assert any(row.startswith("income statement,Result,Net result,") for row in rows)
    unknown = run(args=["books", "statement", "--of", "NOWHERE"])
    assert (unknown.exit_code, "NOWHERE" in unknown.output) == (1, True)
    wrong = run(args=["books", "statement", "--from", "2026-31-01"])
    assert (wrong.exit_code, "--from: Enter a day" in wrong.output) == (1, True)
