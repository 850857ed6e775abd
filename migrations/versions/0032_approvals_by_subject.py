"""Requests for approval are found by what they are about."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX approvals_subject_idx ON approvals (subject)")


def downgrade() -> None:
    op.execute("DROP INDEX approvals_subject_idx")
