"""`flask settings`: list, show and set what the business decides."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Refusal
from app.settings import queries, rules, service

settings = AppGroup("settings", help="Fees, limits, thresholds and windows.")


@settings.command("list")
def list_settings() -> None:
    """Print every setting with the value in effect."""
    with _database().reading() as session:
        source = queries.every_setting(clock.now())
        rows = session.select(queries.SettingRow, source.select.order_by(source.sorts["name"]))
    width = max(len(row.name) for row in rows)
    for row in rows:
        upcoming = f", {row.upcoming} from {clock.rfc3339(row.next_at)}" if row.next_at else ""
        click.echo(f"{row.name:<{width}}  {row.value}{upcoming}")


@settings.command("get")
@click.argument("name")
def get_setting(name: str) -> None:
    """Print what a setting is, its value and its bounds."""
    try:
        with _database().reading() as session:
            row = queries.get_setting_row(session, name)
    except Refusal as refusal:
        raise click.ClickException(f"No setting is named {name}.") from refusal
    click.echo(f"{row.setting.group}: {row.setting.declared.label}")
    click.echo(f"Value    {row.value}")
    click.echo(f"Allowed  {row.setting.bounds}")


@settings.command("set")
@click.argument("name")
@click.argument("value")
@click.option("--reason", required=True, help="Kept in the audit trail.")
def set_setting(name: str, value: str, reason: str) -> None:
    """Change a setting; the new value takes effect after a minute.

    On the pages a change where money moves needs a second person. This command does not: its users
    could change the database as well.
    """
    try:
        setting = rules.get_setting(name)
        with _database().transaction() as session:
            service.set_by_operator(session, name, value, reason=reason)
    except Refusal as refusal:
        raise click.ClickException(f"{refusal.detail} Nothing was changed.") from refusal
    click.echo(f"{name}: {setting.write(setting.parse(value))} after a minute")


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database
