"""Rows of providers' lists that cannot be read, or are not ours: each becomes a case, once."""

from app.cases import service as cases
from app.kit.db import Session
from app.providers.ports import SetAsideRow

#: The kind of these cases.
CASE_KIND = "provider.row"


def report_row(session: Session, provider: str, records: str, row: SetAsideRow) -> bool:
    """Open a case for a row that was set aside, unless it ever had one; return whether its case is
    open.

    `records` names the list, the same wherever it is read.
    """
    case = cases.open_once(
        session,
        kind=CASE_KIND,
        subject=row.provider_ref,
        key=f"{provider}:{records}:{row.provider_ref}",
        title="A provider lists what we cannot read",
        facts={
            "provider": provider,
            "list": records,
            "their id": row.provider_ref,
            "reason": str(row.cause),
            "row": row.raw,
        },
    )
    return case.is_open
