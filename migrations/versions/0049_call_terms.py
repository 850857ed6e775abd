"""Remember what was agreed with a provider in a call, where its answers do not repeat it."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE provider_calls ADD COLUMN terms text NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.execute("ALTER TABLE provider_calls DROP COLUMN terms")
