"""Staff read orders of goods, the latest first."""

from alembic import op

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX shop_orders_placed_at_idx ON shop_orders (placed_at, id)")
    op.execute(
        "SELECT set_default_holders('all:shop_orders:read',"
        " '{SUPPORT,INVENTORY,COMPLIANCE,AUDITOR,ADMIN}')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM role_permissions WHERE permission = 'all:shop_orders:read'")
    op.execute("DROP INDEX shop_orders_placed_at_idx")
