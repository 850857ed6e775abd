"""The command line: the groups of `flask`."""

from flask import Flask

from app.cli import (
    audit,
    books,
    config,
    custody,
    database,
    jobs,
    keys,
    people,
    prices,
    pricing,
    reconcile,
    sanctions,
)
from app.cli import (
    settings as settings_commands,
)
from app.config import Settings
from app.sample import commands as sample


def register(app: Flask, settings: Settings) -> None:
    """Add every group and command."""
    database.register(app, settings)
    for command in (
        audit.audit,
        books.books,
        config.config,
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
