"""What a provider told us about one of its things is found by that thing."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX webhook_events_subject_idx ON webhook_events (provider, subject)")


def downgrade() -> None:
    op.execute("DROP INDEX webhook_events_subject_idx")
