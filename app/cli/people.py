"""`flask people`: appoint the first two administrators."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.identity.accounts import rules as account_rules
from app.identity.roles import role_assignments
from app.kit.db import Database
from app.kit.errors import Refusal

people = AppGroup("people", help="Appoint the first administrators.")


@people.command("appoint-admin")
@click.argument("email")
@click.option("--reason", required=True, help="Reason for the audit trail (5 to 500 characters).")
def appoint_admin(email: str, reason: str) -> None:
    """Make the person with the email address EMAIL an administrator.

    Works while fewer than two people are administrators. From then on, use the pages, where a
    second person approves.
    """
    database: Database = current_app.extensions["database"]
    try:
        with database.transaction() as session:
            role_assignments.appoint_first_admin(
                session, account_rules.normalize_email(email), reason=reason
            )
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal
    click.echo(f"{email} is now an administrator.")
