"""Store whether a passkey is synced to several devices."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE passkeys ADD COLUMN is_synced boolean")


def downgrade() -> None:
    op.execute("ALTER TABLE passkeys DROP COLUMN is_synced")
