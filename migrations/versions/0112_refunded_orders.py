"""Orders whose goods were all refunded."""

from alembic import op

revision = "0112"
down_revision = "0111"
branch_labels = None
depends_on = None

STATUS = """
ALTER TABLE shop_orders
    DROP CONSTRAINT shop_order_status_known,
    ADD CONSTRAINT shop_order_status_known CHECK (status IN (
        'pending_payment', 'on_hold', 'allocated', 'picking', 'shipped', 'delivered',
        {refunded}'cancelled'
    ))
"""


def upgrade() -> None:
    op.execute(STATUS.format(refunded="'refunded', "))


def downgrade() -> None:
    """Forget the status. Orders that were refunded must be gone before."""
    op.execute(STATUS.format(refunded=""))
