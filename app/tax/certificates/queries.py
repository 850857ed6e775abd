"""Named reads of exemption certificates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.statements import compile_select
from app.tax.assessment import CERTIFICATE_PREFIX, Exemption
from app.tax.certificates.models import ExemptionCertificate
from app.tax.certificates.rules import CertificateGround, CertificateHolder, CertificateStatus
from app.tax.states import UsState

_TABLE, _COLUMN = "exemption_certificates", "number_sealed"


@dataclass(frozen=True, slots=True)
class CertificateSummary:
    """A certificate without its number."""

    id: UUID
    user_id: UUID
    state: UsState
    holder: CertificateHolder
    ground: CertificateGround
    valid_until: date
    evidence: str
    recorded_by: UUID
    recorded_at: datetime
    verified_at: datetime | None
    approval_id: UUID | None
    revoked_at: datetime | None
    revoked_reason: str | None

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(CERTIFICATE_PREFIX, self.id)

    @property
    def approval_public_id(self) -> str | None:
        """The request by which a second person verified it."""
        return ids.encode("apr", self.approval_id) if self.approval_id else None

    @property
    def status(self) -> CertificateStatus:
        """Whether it counts now."""
        return self.status_at(clock.now())

    def status_at(self, instant: datetime) -> CertificateStatus:
        """Return whether it counted at an instant."""
        if self.revoked_at is not None and self.revoked_at <= instant:
            return CertificateStatus.REVOKED
        if self.valid_until < self.state.day_at(instant):
            return CertificateStatus.EXPIRED
        if self.verified_at is None or instant < self.verified_at:
            return CertificateStatus.UNVERIFIED
        return CertificateStatus.VALID


_SELECT = sa.select(
    ExemptionCertificate.id,
    ExemptionCertificate.user_id,
    ExemptionCertificate.state,
    ExemptionCertificate.holder,
    ExemptionCertificate.ground,
    ExemptionCertificate.valid_until,
    ExemptionCertificate.evidence,
    ExemptionCertificate.recorded_by,
    ExemptionCertificate.recorded_at,
    ExemptionCertificate.verified_at,
    ExemptionCertificate.approval_id,
    ExemptionCertificate.revoked_at,
    ExemptionCertificate.revoked_reason,
)
_OF_CUSTOMER = compile_select(
    _SELECT.where(ExemptionCertificate.user_id == sa.bindparam("user_id", type_=sa.Uuid)).order_by(
        ExemptionCertificate.id
    )
)
CERTIFICATES = ListSource(
    CertificateSummary,
    _SELECT,
    key=ExemptionCertificate.id,
    sorts={"recorded": ExemptionCertificate.id, "until": ExemptionCertificate.valid_until},
    filters={
        "customer": lambda user_id: ExemptionCertificate.user_id == user_id,
        "state": lambda state: ExemptionCertificate.state == state,
    },
)


def get_certificate(session: Session, certificate_id: UUID) -> CertificateSummary:
    """Return a certificate. Raises `NotFound`."""
    return session.get(CertificateSummary, _SELECT.where(ExemptionCertificate.id == certificate_id))


def list_certificates(session: Session, user_id: UUID) -> list[CertificateSummary]:
    """Return every certificate of a customer, oldest first."""
    return session.select(CertificateSummary, _OF_CUSTOMER, user_id=user_id)


def list_exemptions(session: Session, user_id: UUID, at: datetime) -> list[Exemption]:
    """Return the certificates of a customer that counted at an instant, oldest first."""
    return [
        Exemption(each.id, each.state)
        for each in list_certificates(session, user_id)
        if each.status_at(at) is CertificateStatus.VALID
    ]


def open_numbers(session: Session, user_id: UUID) -> Mapping[UUID, str]:
    """Return the numbers of a customer's certificates."""
    select = sa.select(ExemptionCertificate.id, ExemptionCertificate.number_sealed)
    own = select.where(ExemptionCertificate.user_id == user_id)
    return dict(session.select(_open_number, own))


def get_number(session: Session, certificate_id: UUID) -> str:
    """Return the number of a certificate. Raises `NotFound`."""
    select = sa.select(ExemptionCertificate.id, ExemptionCertificate.number_sealed)
    _id, number = session.get(_open_number, select.where(ExemptionCertificate.id == certificate_id))
    return number


def _open_number(*, id: UUID, number_sealed: bytes) -> tuple[UUID, str]:  # noqa: A002 - the column
    return id, keys.open_sealed(number_sealed, table=_TABLE, column=_COLUMN, key=id).decode()
