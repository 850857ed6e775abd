"""The table of the rules of sales tax. Append-only."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.tax.rules import ThresholdDirection
from app.tax.states import UsState

#: The postal codes of the states, as SQL.
STATE_CODES = ", ".join(f"'{state}'" for state in sorted(UsState))


class TaxRuleRow(Base):
    """A version of a rule; `app.tax.rules.TaxRule` says what each column means."""

    __tablename__ = "tax_rules"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({STATE_CODES})", name="tax_rule_state_known"),
        sa.CheckConstraint(
            "tax_class IN ('bullion', 'legal_tender', 'numismatic', 'processed', 'copper',"
            " 'accessory')",
            name="tax_rule_class_known",
        ),
        sa.CheckConstraint("metal IN ('AU', 'AG', 'PT', 'PD', 'CU')", name="tax_rule_metal_known"),
        sa.CheckConstraint(
            "fineness_min > 0 AND fineness_min < 1", name="tax_rule_fineness_is_a_share"
        ),
        sa.CheckConstraint("postal_prefix ~ '^([0-9]{3,5})?$'", name="tax_rule_prefix_is_digits"),
        sa.CheckConstraint("rate_percent BETWEEN 0 AND 20", name="tax_rule_rate_in_range"),
        sa.CheckConstraint("exempt_from_units > 0", name="tax_rule_threshold_positive"),
        sa.CheckConstraint(
            "threshold IN ('at_or_above', 'above')", name="tax_rule_direction_known"
        ),
        sa.CheckConstraint(
            "(exempt_from_units IS NULL) = (threshold IS NULL)",
            name="tax_rule_threshold_has_a_direction",
        ),
        sa.CheckConstraint("valid_until >= valid_from", name="tax_rule_ends_after_it_begins"),
        sa.CheckConstraint("length(source) BETWEEN 5 AND 300", name="tax_rule_has_a_source"),
        sa.Index("tax_rules_state_idx", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[UsState] = mapped_column(StoredEnum(UsState))
    tax_class: Mapped[TaxClass | None] = mapped_column(StoredEnum(TaxClass))
    metal: Mapped[Metal | None] = mapped_column(StoredEnum(Metal))
    fineness_min: Mapped[Decimal | None] = mapped_column(sa.Numeric(5, 5))
    postal_prefix: Mapped[str] = mapped_column(sa.Text)
    rate_percent: Mapped[Decimal | None] = mapped_column(sa.Numeric(6, 4))
    exempt_from_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    threshold: Mapped[ThresholdDirection | None] = mapped_column(StoredEnum(ThresholdDirection))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    source: Mapped[str] = mapped_column(sa.Text)
    source_url: Mapped[str] = mapped_column(sa.Text)
    source_date: Mapped[date]
    is_verified: Mapped[bool]
    #: Null for a rule of the installation.
    maker_id: Mapped[UUID | None]
    #: The request by which a second person approved it.
    approval_id: Mapped[UUID | None]
    #: Since when it is known; of a rule of the installation, its first day.
    recorded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
