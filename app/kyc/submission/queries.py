"""What was said in a verification, opened: for staff, for the provider, for screening again."""

from uuid import UUID

from app.keys import service as keys
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kyc import queries, rules
from app.kyc.rules import VerificationKind
from app.kyc.submission.applicant_details import CompanyDetails, OwnerDetails, PersonDetails

_DETAILS = "SELECT kind, details_sealed FROM verifications WHERE id = %s"
_LINK = "SELECT provider_link_sealed FROM verifications WHERE id = %s"
_OWNERS = """
SELECT id, details_sealed, share_bps, controls FROM beneficial_owners WHERE verification_id = %s
ORDER BY id
"""
# Whoever erases a person waits for these rows.
_OWNERS_AFTER = """
SELECT o.id, o.verification_id, o.details_sealed, o.share_bps, o.controls
FROM beneficial_owners o JOIN verifications v ON v.id = o.verification_id
WHERE v.status IN ('pending', 'in_review', 'more_needed', 'approved', 'expired')
    AND v.kept_until IS NULL AND (%(after)s::uuid IS NULL OR o.id > %(after)s)
ORDER BY o.id LIMIT %(limit)s FOR SHARE OF v
"""
_COLUMN = "details_sealed"


def details_of(session: Session, verification_id: UUID) -> PersonDetails | CompanyDetails | None:
    """What was said; None of an enhanced one, which is shown by documents alone. Raises
    `NotFound`."""
    row = session.row(_DETAILS, (verification_id,))
    if row is None:
        raise NotFound
    kind, sealed = row
    if sealed is None:
        return None
    text = keys.open_sealed(sealed, table="verifications", column=_COLUMN, key=verification_id)
    if kind == VerificationKind.IDENTITY:
        return PersonDetails.from_json(text)
    return CompanyDetails.from_json(text, owners_of(session, verification_id))


def verified_name(session: Session, user_id: UUID) -> tuple[str, str] | None:
    """First and last name of the person by the identity that counts; None for somebody who has
    none that is good for anything."""
    best = queries.effective_identity(queries.verifications_of(session, user_id))
    if best is None or best.tier_at(clock.now()) == rules.TIER_NONE:
        return None
    told = details_of(session, best.id)
    return (told.first_name, told.last_name) if isinstance(told, PersonDetails) else None


def owners_of(session: Session, verification_id: UUID) -> list[OwnerDetails]:
    """Who owns or controls the company, in the order in which they were named."""
    return [_owner_from_row(*row) for row in session.rows(_OWNERS, (verification_id,))]


def owners_after(
    session: Session, after: UUID | None, limit: int
) -> list[tuple[UUID, UUID, OwnerDetails]]:
    """The next of all owners of companies that are or were verified or wait for it, by id:
    the id, the verification, and who it is. Nobody whose company it is is erased before the
    transaction ends."""
    rows = session.rows(_OWNERS_AFTER, {"after": after, "limit": limit})
    return [
        (owner_id, verification_id, _owner_from_row(owner_id, *rest))
        for owner_id, verification_id, *rest in rows
    ]


def _owner_from_row(owner_id: UUID, sealed: bytes, share_bps: int, controls: bool) -> OwnerDetails:  # noqa: FBT001 - a row
    text = keys.open_sealed(sealed, table="beneficial_owners", column=_COLUMN, key=owner_id)
    return OwnerDetails.from_json(text, share_bps, controls=controls)


def provider_link(session: Session, verification_id: UUID) -> str | None:
    """Where the person goes on at the provider's."""
    row = session.row(_LINK, (verification_id,))
    if row is None or row[0] is None:
        return None
    opened = keys.open_sealed(
        row[0], table="verifications", column="provider_link_sealed", key=verification_id
    )
    return opened.decode()
