"""A deposit is taken back in parts: several disputes, and refunds made at the processor."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE disputes
    ADD COLUMN kind text NOT NULL DEFAULT 'dispute'
        CONSTRAINT dispute_kind_known CHECK (kind IN ('dispute', 'refund')),
    ADD COLUMN changes integer NOT NULL DEFAULT 1;
UPDATE disputes SET changes = 2 WHERE status <> 'open';
""")


def downgrade() -> None:
    op.execute("ALTER TABLE disputes DROP COLUMN kind, DROP COLUMN changes")
