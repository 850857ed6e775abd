"""Jobs of lists."""

from uuid import UUID

import sqlalchemy as sa

from app.approvals.ports import CurrentPermissions
from app.keys import service as keys
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.ports import resolve
from app.kit.tasks import Queue, task
from app.lists import service
from app.lists.models import ListExportRow
from app.lists.ports import ListCsv
from app.lists.queries import SELECT_EXPORTS, ListExport
from app.lists.rules import ListExportStatus


@task("lists.build_export", queue=Queue.FULFILLMENT, own_transactions=True)
def build_export(database: Database, *, export_id: str) -> None:
    """Build the CSV of a pending request, with the permissions that its person holds now.

    Does nothing if the request is no longer pending. Raises `PermissionDenied` if the person may no
    longer see the list.
    """
    identifier = UUID(export_id)
    pending = SELECT_EXPORTS.where(
        ListExportRow.id == identifier, ListExportRow.status == ListExportStatus.PENDING
    )
    with database.transaction() as session:
        exports = session.select(ListExport, pending)
        if not exports:
            return
        export = exports[0]
        actor = resolve(CurrentPermissions).lock_actor(session, export.user_id)
        content, row_count = service.render_csv(
            resolve(ListCsv).lines(session, actor, export.list_name, export.query)
        )
        sealed = keys.seal(content, table="list_exports", column="content_sealed", key=identifier)
        session.write(
            sa.update(ListExportRow)
            .where(ListExportRow.id == identifier, ListExportRow.status == ListExportStatus.PENDING)
            .values(status=ListExportStatus.READY, row_count=row_count, content_sealed=sealed)
        )
        service.record_export(session, actor, export.list_name, export.query, row_count=row_count)


@task("lists.expire_exports", queue=Queue.NIGHTLY)
def expire_exports(session: Session) -> None:
    """Delete the content of expired exports."""
    session.write(
        sa.update(ListExportRow)
        .where(
            ListExportRow.expires_at <= clock.now(),
            ListExportRow.status != ListExportStatus.EXPIRED,
        )
        .values(status=ListExportStatus.EXPIRED, content_sealed=None)
    )
