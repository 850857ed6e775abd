"""`flask db-url`: print the URL of the database."""

import click
from flask import Flask

from app.config import Settings


def register(app: Flask, settings: Settings) -> None:
    """Add the command to the application."""

    @app.cli.command("db-url")
    @click.option("--owner", is_flag=True, help="The role that migrates, not the application's.")
    def db_url(*, owner: bool) -> None:
        """Print the URL of the database in use, in the form that psql understands."""
        url = settings.database_owner_url if owner else settings.database_url
        click.echo(url.replace("postgresql+psycopg://", "postgresql://"))
