"""Fees of deposits and withdrawals, taken from the amount. Payments made before had none."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE deposits
    ADD COLUMN fee_units bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT deposit_fee_not_negative CHECK (fee_units >= 0),
    ADD CONSTRAINT deposit_covers_its_fee
        CHECK (fee_units <= coalesce(credited_units, asked_units));
ALTER TABLE withdrawals
    ADD COLUMN fee_units bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT withdrawal_leaves_something CHECK (fee_units >= 0 AND fee_units < units);
""")


def downgrade() -> None:
    op.execute("""
ALTER TABLE deposits DROP COLUMN fee_units;
ALTER TABLE withdrawals DROP COLUMN fee_units;
""")
