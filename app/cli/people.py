"""`flask people`: the first administrators, when there is nobody yet whom one could ask."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.identity.accounts import rules as account_rules
from app.identity.roles import role_changes
from app.kit.db import Database
from app.kit.errors import Refusal

people = AppGroup("people", help="Who runs the house, while nobody does yet.")


@people.command("appoint-admin")
@click.argument("email")
@click.option("--reason", required=True, help="Why, for the audit trail.")
def appoint_admin(email: str, reason: str) -> None:
    """Make the person with the address EMAIL an administrator.

    Works until two people administer the house; from then on they decide together, on the pages.
    """
    database: Database = current_app.extensions["database"]
    try:
        with database.transaction() as session:
            role_changes.appoint_first_admin(
                session, account_rules.normalize_email(email), reason=reason
            )
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal
    click.echo(f"{email} is an administrator")
