"""`flask audit`: the trail proved, and sealed where a restore left it open."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.audit import service
from app.audit.keys import AuditKeys
from app.audit.verification import verify as verify_trail
from app.kit.db import SNAPSHOT, Database
from app.kit.ports import resolve

audit = AppGroup("audit", help="Prove the audit trail.")


def _database() -> Database:
    database = current_app.extensions["database"]
    assert isinstance(database, Database)
    return database


@audit.command("verify")
def verify() -> None:
    """Check every record, seal and anchor. Exit code 1 names what was touched."""
    with _database().transaction(SNAPSHOT) as session:
        report = verify_trail(session)
    for finding in report.findings:
        click.echo(f"{finding.name}: {finding.problem}", err=True)
    if report.wrong:
        unnamed = report.wrong - len(report.findings)
        more = f", {unnamed} of them not shown" if unnamed else ""
        raise click.ClickException(f"the audit trail does not hold: {report.wrong} findings{more}")
    click.echo(
        f"The audit trail holds: {report.sealed} records sealed, {report.unsealed} not yet, "
        f"{report.anchors} anchors."
    )


@audit.command("public-key")
def public_key() -> None:
    """Print the names and public keys with which anybody can check the anchors' signatures."""
    keys = resolve(AuditKeys)
    for key in keys.by_id.values():
        use = "signs" if key is keys.current else "verifies"
        click.echo(f"{key.key_id} {key.public_key_hex} {use}")


@audit.command("seal-restored")
def seal_restored() -> None:
    """Seal what a dump brought along without a seal: after restoring it, before traffic."""
    with _database().transaction() as session:
        sealed = service.seal_all(session)
    click.echo(f"{sealed} records were sealed")
