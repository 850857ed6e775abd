"""`flask audit`: verify the audit trail, and seal it after a restore."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.audit import service
from app.audit.keys import AuditKeys
from app.audit.verification import verify as verify_trail
from app.kit.db import SNAPSHOT, Database
from app.kit.formatting import format_number_of
from app.kit.ports import resolve

audit = AppGroup("audit", help="Verify the audit trail.")


def _database() -> Database:
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    return database


@audit.command("verify")
def verify() -> None:
    """Check every record, seal and anchor. With findings, list them and exit with code 1."""
    with _database().transaction(SNAPSHOT) as session:
        report = verify_trail(session)
    for finding in report.findings:
        click.echo(f"{finding.name}: {finding.problem}", err=True)
    if report.wrong:
        unnamed = report.wrong - len(report.findings)
        more = f" ({unnamed} not shown)" if unnamed else ""
        raise click.ClickException(
            f"The audit trail is not intact. Findings: {report.wrong}{more}."
        )
    click.echo(
        f"The audit trail is intact: {format_number_of(report.sealed, 'sealed record')},"
        f" {report.unsealed} not sealed yet, {format_number_of(report.anchors, 'anchor')}."
    )


@audit.command("public-key")
def public_key() -> None:
    """Print the ids and public keys that verify the signatures of anchors."""
    keys = resolve(AuditKeys)
    for key in keys.by_id.values():
        use = "signs" if key is keys.current else "verifies"
        click.echo(f"{key.key_id} {key.public_key_hex} {use}")


@audit.command("seal-restored")
def seal_restored() -> None:
    """Seal the unsealed records of a restored dump. Run it before traffic."""
    with _database().transaction() as session:
        sealed = service.seal_all(session)
    click.echo(f"Sealed {format_number_of(sealed, 'record')}.")
