"""Tables of legal entities."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.branches.entities.rules import CashReportRegime
from app.kit.db import Base
from app.kit.statements import StoredEnum


class LegalEntity(Base):
    """A company."""

    __tablename__ = "legal_entities"
    __table_args__ = (
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9]{1,11}$'", name="legal_entity_code_is_short"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="legal_entity_name_has_a_length"),
        sa.CheckConstraint(
            "jurisdiction ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$'", name="jurisdiction_is_a_code"
        ),
        sa.CheckConstraint(
            "length(tax_number) BETWEEN 1 AND 30", name="legal_entity_tax_number_has_a_length"
        ),
        sa.CheckConstraint(
            "cash_report_regime IN ('CTR', 'FORM_8300')", name="cash_report_regime_known"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.Text, unique=True)
    #: As it is registered.
    name: Mapped[str] = mapped_column(sa.Text)
    #: Where it is registered: a country, or a state of one by ISO 3166-2, such as `US-DE`.
    jurisdiction: Mapped[str] = mapped_column(sa.Text)
    #: Where it is registered, as `postal_addresses.to_fields` returns it.
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    #: A company's, such as an EIN; no person's.
    tax_number: Mapped[str | None] = mapped_column(sa.Text)
    cash_report_regime: Mapped[CashReportRegime] = mapped_column(StoredEnum(CashReportRegime))
    added_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
