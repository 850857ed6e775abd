"""The provider that a job calls, so that its jobs in flight can be limited."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Jobs that have failed count as waiting from now on, no longer as sent. The queues of older rows
# are assigned by the relay, which knows the tasks.
UPGRADE = """
ALTER TABLE outbox ADD COLUMN provider text;
UPDATE outbox SET sent_at = NULL, sends = 0
    WHERE done_at IS NULL AND last_error IS NOT NULL AND sent_at IS NOT NULL;
CREATE INDEX outbox_sent_idx ON outbox (queue, provider)
    WHERE provider IS NOT NULL AND sent_at IS NOT NULL AND done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_waiting_args_idx ON outbox USING hash (args)
    WHERE provider IS NOT NULL AND sent_at IS NULL AND done_at IS NULL AND dead_at IS NULL;
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("ALTER TABLE outbox DROP COLUMN provider")
