"""`flask reconcile`: our books against themselves and against what each provider says."""

import click
from flask import current_app

from app.kit.db import Database
from app.reconciliation import service as reconciliation


@click.command("reconcile")
def reconcile() -> None:
    """Compare now. Exits with 1 if anything differs or could not be asked."""
    database: Database = current_app.extensions["database"]
    made = reconciliation.reconcile_all(database)
    for run in made:
        state = run.failure or f"{run.differences} differences"
        click.echo(f"{run.source}: {run.compared} compared, {run.healed} healed, {state}")
    if any(run.differences or run.failure for run in made):
        raise SystemExit(1)
