"""Where the database is."""

import click
from flask import Flask

from app.config import Settings


def register(app: Flask, settings: Settings) -> None:
    """Add the commands of this file."""

    @app.cli.command("db-url")
    @click.option("--owner", is_flag=True, help="The role that migrates, not the application's.")
    def db_url(*, owner: bool) -> None:
        """Print the address of the database that is in use, as psql understands it."""
        url = settings.database_owner_url if owner else settings.database_url
        click.echo(url.replace("postgresql+psycopg://", "postgresql://"))
