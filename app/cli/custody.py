"""`flask custody`: what custodians keep, at the beginning."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.custody import opening_balances
from app.custody.ports import Custodians
from app.kit.db import Database
from app.kit.errors import NotFinished
from app.kit.ports import resolve
from app.providers.errors import ProviderRefused

custody = AppGroup("custody", help="What custodians keep for the house.")


@custody.command("open")
def open_books() -> None:
    """Book what each custodian keeps as the owners' capital, before anything moves through it.

    Where something was booked or moved, nothing changes."""
    database: Database = current_app.extensions["database"]
    for custodian in resolve(Custodians).values():
        try:
            booked = opening_balances.open_custodian(database, custodian)
        except (NotFinished, ProviderRefused) as error:
            raise click.ClickException(f"{custodian.name}: {error}") from error
        amounts = ", ".join(f"{each} {each.asset.code}" for each in booked)
        click.echo(f"{custodian.name}: {amounts or 'nothing to book'}")
