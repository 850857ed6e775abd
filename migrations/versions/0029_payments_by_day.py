"""The lists of deposits and withdrawals are sorted and filtered by when they were requested."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE INDEX deposits_requested_at_id_idx ON deposits (requested_at, id);
CREATE INDEX withdrawals_requested_at_id_idx ON withdrawals (requested_at, id);
""")


def downgrade() -> None:
    op.execute("DROP INDEX deposits_requested_at_id_idx, withdrawals_requested_at_id_idx;")
