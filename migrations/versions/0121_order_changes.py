"""Changes of paid orders: fewer units, and another address with its place of tax."""

from alembic import op

revision = "0121"
down_revision = "0120"
branch_labels = None
depends_on = None

CAUSES = """
ALTER TABLE shop_refunds
    DROP CONSTRAINT shop_refund_cause_known,
    ADD CONSTRAINT shop_refund_cause_known CHECK (cause IN ({causes}))
"""
COLUMNS = "tax_country, tax_state, tax_postal_code"


def _role() -> str:
    role: str = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    return role


def upgrade() -> None:
    op.execute(CAUSES.format(causes="'cancelled', 'reduced', 'refunded', 'returned'"))
    op.execute(f"GRANT UPDATE ({COLUMNS}) ON shop_order_parts TO {_role()}")


def downgrade() -> None:
    """Forget the cause. Orders with fewer units than were bought must be gone before."""
    op.execute(f"REVOKE UPDATE ({COLUMNS}) ON shop_order_parts FROM {_role()}")
    op.execute(CAUSES.format(causes="'cancelled', 'refunded', 'returned'"))
