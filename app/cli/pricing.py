"""`flask pricing`: halt a market, and lift the halt."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.catalog.rules import HALTABLE_NAMES, parse_haltable
from app.kit.db import Database
from app.kit.errors import Refusal
from app.pricing import service
from app.pricing.rules import HaltReason

pricing = AppGroup("pricing", help="Markets: halting one, and lifting the halt.")
_ASSET = click.argument("asset", type=click.Choice([market.value for market in HALTABLE_NAMES]))


@pricing.command()
@_ASSET
@click.option("--reason", required=True, help="Kept in the audit trail.")
@click.option(
    "--category",
    type=click.Choice([reason.value for reason in HaltReason]),
    default=HaltReason.OTHER.value,
    show_default=True,
    help="What customers read.",
)
def halt(asset: str, reason: str, category: str) -> None:
    """Stop every order that needs the price of ASSET, or its value for USDC, at once."""
    try:
        with _database().transaction() as session:
            service.halt_market(
                session, None, parse_haltable(asset), HaltReason(category), note=reason
            )
    except Refusal as refusal:
        raise click.ClickException(f"{refusal.detail} Nothing was changed.") from refusal
    click.echo(f"{asset} is halted: {HaltReason(category).label.lower()}")


@pricing.command()
@_ASSET
@click.option("--reason", required=True, help="Kept in the audit trail.")
def resume(asset: str, reason: str) -> None:
    """Let orders of ASSET through again."""
    try:
        with _database().transaction() as session:
            service.resume_market(session, None, parse_haltable(asset), note=reason)
    except Refusal as refusal:
        raise click.ClickException(f"{refusal.detail} Nothing was changed.") from refusal
    click.echo(f"{asset} is not halted any more")


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database
