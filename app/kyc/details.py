"""What was said in a verification, opened: for staff, for the provider, for screening again."""

from uuid import UUID

from app.keys import service as keys
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kyc.rules import Kind
from app.kyc.submission import Business, Owner, Personal

_DETAILS = "SELECT kind, details_sealed FROM verifications WHERE id = %s"
_LINK = "SELECT provider_link_sealed FROM verifications WHERE id = %s"
_OWNERS = """
SELECT id, details_sealed, share_bps, controls FROM beneficial_owners WHERE verification_id = %s
ORDER BY id
"""
_COLUMN = "details_sealed"


def of(session: Session, verification_id: UUID) -> Personal | Business | None:
    """What was said; None of an enhanced one, which is shown by documents alone. Raises
    `NotFound`."""
    row = session.row(_DETAILS, (verification_id,))
    if row is None:
        raise NotFound
    kind, sealed = row
    if sealed is None:
        return None
    text = keys.open_sealed(sealed, table="verifications", column=_COLUMN, key=verification_id)
    if kind == Kind.IDENTITY:
        return Personal.read(text)
    return Business.read(text, owners_of(session, verification_id))


def owners_of(session: Session, verification_id: UUID) -> list[Owner]:
    """Who owns or controls the company, in the order in which they were named."""
    return [
        Owner.read(
            keys.open_sealed(sealed, table="beneficial_owners", column=_COLUMN, key=owner_id),
            share_bps,
            controls=controls,
        )
        for owner_id, sealed, share_bps, controls in session.rows(_OWNERS, (verification_id,))
    ]


def link_of(session: Session, verification_id: UUID) -> str | None:
    """Where the person goes on at the provider's."""
    row = session.row(_LINK, (verification_id,))
    if row is None or row[0] is None:
        return None
    opened = keys.open_sealed(
        row[0], table="verifications", column="provider_link_sealed", key=verification_id
    )
    return opened.decode()
