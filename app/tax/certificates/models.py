"""The table of exemption certificates."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.tax.certificates.rules import CertificateGround, CertificateHolder
from app.tax.models import STATE_CODES
from app.tax.states import UsState

_Instant = sa.DateTime(timezone=True)


class ExemptionCertificate(Base):
    """A certificate of a customer. Only its verification and its end are written later."""

    __tablename__ = "exemption_certificates"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({STATE_CODES})", name="certificate_state_known"),
        sa.CheckConstraint("holder IN ('person', 'company')", name="certificate_holder_known"),
        sa.CheckConstraint(
            "ground IN ('resale', 'government', 'charity')", name="certificate_ground_known"
        ),
        sa.CheckConstraint(
            "(verified_at IS NULL) = (approval_id IS NULL)",
            name="certificate_is_verified_by_a_request",
        ),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_reason IS NULL)",
            name="revoked_certificate_has_a_reason",
        ),
        sa.Index("exemption_certificates_user_id_state_idx", "user_id", "state"),
        sa.Index("exemption_certificates_valid_until_id_idx", "valid_until", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    state: Mapped[UsState] = mapped_column(StoredEnum(UsState))
    holder: Mapped[CertificateHolder] = mapped_column(StoredEnum(CertificateHolder))
    ground: Mapped[CertificateGround] = mapped_column(StoredEnum(CertificateGround))
    number_sealed: Mapped[bytes] = mapped_column(Sealed)
    #: The last day, of the state.
    valid_until: Mapped[date]
    #: Where the document is, as staff file it.
    evidence: Mapped[str] = mapped_column(sa.Text)
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(_Instant)
    verified_at: Mapped[datetime | None] = mapped_column(_Instant)
    #: The request by which a second person verified it.
    approval_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None] = mapped_column(_Instant)
    revoked_reason: Mapped[str | None] = mapped_column(sa.Text)
