"""The personal data of lists: what staff chose and saved."""

from uuid import UUID

import sqlalchemy as sa

from app.keys import files
from app.kit.db import Session
from app.kit.personal import (
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)
from app.lists.models import ListExportRow

_SETTINGS = """
SELECT list_name, array_to_string(columns, ' '), density FROM list_settings
WHERE user_id = %s ORDER BY list_name
"""
_VIEWS = """
SELECT id, list_name, name, role, query, created_at FROM saved_views
WHERE owner_id = %s ORDER BY id
"""
_EXPORTS = """
SELECT id, list_name, query, status, requested_at, expires_at, row_count FROM list_exports
WHERE user_id = %s ORDER BY id
"""


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    settings, views, exports = session.fetch(
        *((statement, (person_id,)) for statement in (_SETTINGS, _VIEWS, _EXPORTS))
    )
    return {
        "listSettings": export_records(settings, "list columns density"),
        "savedViews": export_records(views, "id list name role query createdAt", id="viw"),
        "listExports": export_records(
            exports, "id list query status requestedAt expiresAt rowCount", id="lex"
        ),
    }


def _erase(session: Session, person_id: UUID) -> None:
    session.send("DELETE FROM list_settings WHERE user_id = %s", (person_id,))
    session.send("DELETE FROM saved_views WHERE owner_id = %s", (person_id,))
    owned = sa.select(ListExportRow.file_id).where(ListExportRow.user_id == person_id)
    files.delete_files(session, owned)
    session.send("DELETE FROM list_exports WHERE user_id = %s", (person_id,))


PERSONAL_DATA = PersonalData(
    "lists",
    {
        "list_settings": PersonalDataTable(
            "Columns and density of lists, of staff",
            ErasureEffect.DELETED,
            "Only this person uses them.",
            export_sections=("listSettings",),
        ),
        "saved_views": PersonalDataTable(
            "Searches of lists that staff saved",
            ErasureEffect.DELETED,
            "Others who use a shared view can save it themselves.",
            export_sections=("savedViews",),
        ),
        "list_exports": PersonalDataTable(
            "Requests of staff for CSV files of lists, with the sealed key of each file",
            ErasureEffect.DELETED,
            "They expire within a day; the audit trail keeps that they were taken.",
            export_sections=("listExports",),
        ),
    },
    export_sections=_export_sections,
    erase=_erase,
)
