"""Find a person's orders between PAXG and XAU-s of a day."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE INDEX orders_exchanges_idx ON orders (user_id, executed_at)
    WHERE from_asset IN ('PAXG', 'XAU-s') AND to_asset IN ('PAXG', 'XAU-s')
""")


def downgrade() -> None:
    op.execute("DROP INDEX orders_exchanges_idx")
