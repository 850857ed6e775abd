"""Submitted details, opened: for staff, for the provider, and for screening again."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from app.identity.accounts.queries import PersonProfile
from app.keys import service as keys
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kyc import queries, rules
from app.kyc.queries import TierStatus
from app.kyc.rules import SCREENED_STATUSES, VerificationKind
from app.kyc.submission.applicant_details import CompanyDetails, OwnerDetails, PersonDetails

_DETAILS = "SELECT kind, details_sealed FROM verifications WHERE id = %s"
_IDENTITIES = """
SELECT id, details_sealed FROM verifications WHERE user_id = %s AND kind = 'identity'
    AND status <> 'superseded'
"""
_LINK = "SELECT provider_link_sealed FROM verifications WHERE id = %s"
_OWNERS = """
SELECT id, details_sealed, share_bps, controls FROM beneficial_owners WHERE verification_id = %s
ORDER BY id
"""
# Erasure of a person waits for these locks.
_OWNERS_AFTER = """
SELECT o.id, o.verification_id, o.details_sealed, o.share_bps, o.controls
FROM beneficial_owners o JOIN verifications v ON v.id = o.verification_id
WHERE v.status = ANY (%(statuses)s)
    AND v.kept_until IS NULL AND (%(after)s::uuid IS NULL OR o.id > %(after)s)
ORDER BY o.id LIMIT %(limit)s FOR SHARE OF v
"""
_COLUMN = "details_sealed"


def details_of(session: Session, verification_id: UUID) -> PersonDetails | CompanyDetails | None:
    """Return the submitted details; None for an enhanced verification, which has documents only.

    Raises `NotFound`.
    """
    row = session.row(_DETAILS, (verification_id,))
    if row is None:
        raise NotFound
    kind, sealed = row
    if sealed is None:
        return None
    text = _open_details(verification_id, sealed)
    if kind == VerificationKind.IDENTITY:
        return PersonDetails.from_json(text)
    return CompanyDetails.from_json(text, owners_of(session, verification_id))


@dataclass(frozen=True, slots=True)
class CustomerIdentity:
    """Who a customer is. The names are verified ones; those of the profile without a tier.

    `country` is where they live, `birth_date` verified; both are None without a tier.
    """

    id: UUID
    first_name: str
    last_name: str
    phone: str | None
    #: Whether a code has shown that the phone is theirs.
    phone_verified: bool
    country: str | None
    tier_status: TierStatus
    birth_date: date | None = None

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


def get_customer(session: Session, user_id: UUID) -> CustomerIdentity:
    """Return who the customer is, read in one trip. Raises `NotFound`."""
    *basis_rows, sealed_rows = session.fetch(
        *queries.select_tier_basis(user_id), (_IDENTITIES, (user_id,))
    )
    basis = queries.to_tier_basis(*basis_rows)
    named: PersonProfile | PersonDetails = basis.person
    identity, country, birth_date = basis.identity, None, None
    if identity is not None and identity.tier_at(clock.now()) != rules.TIER_NONE:
        sealed: dict[UUID, bytes] = dict(sealed_rows)
        named = PersonDetails.from_json(_open_details(identity.id, sealed[identity.id]))
        country, birth_date = named.address.country, named.date_of_birth
    return CustomerIdentity(
        user_id,
        named.first_name,
        named.last_name,
        basis.person.phone,
        basis.person.phone_verified,
        country,
        queries.tier_status_from(session, basis),
        birth_date,
    )


def _open_details(verification_id: UUID, sealed: bytes) -> bytes:
    return keys.open_sealed(sealed, table="verifications", column=_COLUMN, key=verification_id)


def owners_of(session: Session, verification_id: UUID) -> list[OwnerDetails]:
    """Return the owners of a company, in the order in which they were submitted."""
    return [_owner_from_row(*row) for row in session.rows(_OWNERS, (verification_id,))]


def owners_after(
    session: Session, after: UUID | None, limit: int
) -> list[tuple[UUID, UUID, OwnerDetails]]:
    """Return the next owners by id, of companies that are or were verified or wait for it.

    Each is the owner's id, the verification's id and the owner. The rows of the verifications are
    locked, so that their customers cannot be erased before the transaction ends.
    """
    values = {"statuses": list(SCREENED_STATUSES), "after": after, "limit": limit}
    rows = session.rows(_OWNERS_AFTER, values)
    return [
        (owner_id, verification_id, _owner_from_row(owner_id, *rest))
        for owner_id, verification_id, *rest in rows
    ]


def _owner_from_row(owner_id: UUID, sealed: bytes, share_bps: int, controls: bool) -> OwnerDetails:  # noqa: FBT001 - a row
    text = keys.open_sealed(sealed, table="beneficial_owners", column=_COLUMN, key=owner_id)
    return OwnerDetails.from_json(text, share_bps, controls=controls)


def provider_link(session: Session, verification_id: UUID) -> str | None:
    """Return the link where the customer continues at the provider, if there is one."""
    sealed = session.optional_value(_LINK, (verification_id,))
    if sealed is None:
        return None
    opened = keys.open_sealed(
        sealed, table="verifications", column="provider_link_sealed", key=verification_id
    )
    return opened.decode()
