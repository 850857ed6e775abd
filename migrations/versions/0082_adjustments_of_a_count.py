"""One request may adjust several products: the variance of a count is booked as a whole."""

from alembic import op

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE stock_adjustments DROP CONSTRAINT stock_adjustments_approval_id_key;
ALTER TABLE stock_adjustments ADD CONSTRAINT stock_adjustments_approval_id_key
    UNIQUE (approval_id, sku);
""")


def downgrade() -> None:
    op.execute("""
ALTER TABLE stock_adjustments DROP CONSTRAINT stock_adjustments_approval_id_key;
ALTER TABLE stock_adjustments ADD CONSTRAINT stock_adjustments_approval_id_key UNIQUE (approval_id);
""")
