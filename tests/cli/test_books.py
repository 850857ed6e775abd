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
