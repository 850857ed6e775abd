"""Staff read orders of goods, the latest first."""

from alembic import op

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX shop_orders_placed_at_idx ON shop_orders (placed_at, id)")
    op.execute(
        "SELECT set_default_holders('all:shop_orders:read',"
        " '{SUPPORT,INVENTORY,COMPLIANCE,AUDITOR,ADMIN}')"
    )


def downgrade() -> None:
    """Keep the permission: an older release does not know it, and grants that were edited stay."""
    op.execute("DROP INDEX shop_orders_placed_at_idx")
