"""From when a withdrawal is paid out: a while after the first use of its destination. Earlier ones
wait for nothing."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE withdrawals ADD COLUMN payable_from timestamptz;
UPDATE withdrawals SET payable_from = requested_at;
ALTER TABLE withdrawals ALTER COLUMN payable_from SET NOT NULL;
CREATE INDEX withdrawals_user_id_destination_index_idx ON withdrawals (user_id, destination_index);
""")


def downgrade() -> None:
    op.execute("""
DROP INDEX withdrawals_user_id_destination_index_idx;
ALTER TABLE withdrawals DROP COLUMN payable_from;
""")
