"""`flask reconcile`: compare our books with themselves and with each provider's records."""

import click
from flask import current_app

from app.kit.db import Database
from app.kit.formatting import format_number_of
from app.reconciliation import service as reconciliation


@click.command("reconcile")
def reconcile() -> None:
    """Compare all sources now. Exits with 1 if anything differs or could not be compared."""
    database: Database = current_app.extensions["database"]
    runs = reconciliation.reconcile_all(database)
    for run in runs:
        result = run.failure or format_number_of(run.differences, "difference")
        click.echo(f"{run.source}: {run.compared} compared, {run.healed} healed, {result}")
    if any(run.differences or run.failure for run in runs):
        raise SystemExit(1)
