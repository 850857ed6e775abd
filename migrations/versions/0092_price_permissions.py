"""Permissions of price rules, which shared those of goods and of products."""

from alembic import op

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SELECT set_default_holders('all:prices:edit', '{INVENTORY,ADMIN}')")
    op.execute("""
SELECT set_default_holders('all:prices:read', '{INVENTORY,COMPLIANCE,AUDITOR,ADMIN}')
""")


def downgrade() -> None:
    """Keep the permissions: an older release does not know them, and grants that were edited stay."""
