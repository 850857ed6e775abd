"""Jobs of lists."""

from functools import partial
from uuid import UUID

import sqlalchemy as sa

from app.approvals.ports import CurrentPermissions
from app.keys import files
from app.keys import service as keys
from app.keys.files import FileKey, PartWriter
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
        key = FileKey.generate()
        writer = PartWriter(partial(files.add_part, session, key, expires_at=export.expires_at))
        lines = resolve(ListCsv).lines(session, actor, export.list_name, export.query)
        row_count = service.write_csv(writer.write, lines)
        writer.finish()
        session.write(
            sa.update(ListExportRow)
            .where(ListExportRow.id == identifier, ListExportRow.status == ListExportStatus.PENDING)
            .values(
                status=ListExportStatus.READY,
                row_count=row_count,
                size_bytes=writer.size,
                file_id=key.id,
                key_sealed=keys.seal(
                    key.secret, table="list_exports", column="key_sealed", key=identifier
                ),
            )
        )
        service.record_export(session, actor, export.list_name, export.query, row_count=row_count)


@task("lists.expire_exports", queue=Queue.NIGHTLY)
def expire_exports(session: Session) -> None:
    """Delete the content of expired exports."""
    is_over = (
        ListExportRow.expires_at <= clock.now(),
        ListExportRow.status != ListExportStatus.EXPIRED,
    )
    files.delete_files(session, sa.select(ListExportRow.file_id).where(*is_over))
    session.write(
        sa.update(ListExportRow)
        .where(*is_over)
        .values(status=ListExportStatus.EXPIRED, file_id=None, key_sealed=None, size_bytes=None)
    )
