"""Find a provider's webhook events by the object they are about."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX webhook_events_subject_idx ON webhook_events (provider, subject)")


def downgrade() -> None:
    op.execute("DROP INDEX webhook_events_subject_idx")
