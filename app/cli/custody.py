"""`flask custody`: open the books of custodians."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.custody import opening_balances
from app.custody.ports import Custodians
from app.kit.db import Database
from app.kit.errors import NotFinished
from app.kit.ports import resolve
from app.providers.errors import ProviderRefused

custody = AppGroup("custody", help="Token balances at custodians.")


@custody.command("open")
def open_books() -> None:
    """Post each custodian's balance as owners' capital.

    Does nothing for a custodian where anything was posted or moved before."""
    database: Database = current_app.extensions["database"]
    for custodian in resolve(Custodians).values():
        try:
            posted = opening_balances.open_custodian(database, custodian)
        except (NotFinished, ProviderRefused) as error:
            raise click.ClickException(f"{custodian.name}: {error}") from error
        amounts = ", ".join(f"{amount} {amount.asset.code}" for amount in posted)
        click.echo(f"{custodian.name}: {amounts or 'nothing to book'}")
