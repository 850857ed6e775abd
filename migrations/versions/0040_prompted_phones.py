"""Find the open prompts on a phone."""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE deposits ADD COLUMN source_index bytea;
CREATE INDEX deposits_source_index_idx ON deposits (source_index) WHERE source_index IS NOT NULL;
""")


def downgrade() -> None:
    op.execute("ALTER TABLE deposits DROP COLUMN source_index")
