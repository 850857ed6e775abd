"""The command line: the groups of `flask`."""

from flask import Flask

from app.cli import (
    audit,
    books,
    custody,
    database,
    jobs,
    keys,
    people,
    prices,
    pricing,
    reconcile,
    sample,
    sanctions,
)
from app.cli import (
    settings as settings_commands,
)
from app.config import Settings


def register(app: Flask, settings: Settings) -> None:
    """Add every group and command."""
    database.register(app, settings)
    for command in (
        audit.audit,
        books.books,
        custody.custody,
        jobs.jobs,
        keys.keys,
        people.people,
        prices.prices,
        pricing.pricing,
        reconcile.reconcile,
        sample.sample,
        sanctions.sanctions,
        settings_commands.settings,
    ):
        app.cli.add_command(command)
