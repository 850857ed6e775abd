"""Review deadlines: an order on hold that was not reviewed in time is cancelled."""

from alembic import op

revision = "0123"
down_revision = "0122"
branch_labels = None
depends_on = None

REASONS = """
ALTER TABLE shop_orders
    DROP CONSTRAINT shop_order_cancel_reason_known,
    ADD CONSTRAINT shop_order_cancel_reason_known CHECK (cancel_reason IN (
        'customer', 'staff', 'payment_failed', 'payment_cancelled', 'payment_late', 'money_short',
        'goods_gone', 'rejected'{more}
    ))
"""


def upgrade() -> None:
    op.execute(REASONS.format(more=", 'review_late'"))


def downgrade() -> None:
    """Forget the reason. Orders that were cancelled for it must be gone before."""
    op.execute(REASONS.format(more=""))
