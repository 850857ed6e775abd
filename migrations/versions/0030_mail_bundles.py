"""Emails that are sent as a part of another."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE mails
    ADD COLUMN bundle_id uuid,
    DROP CONSTRAINT mail_state_known,
    ADD CONSTRAINT mail_state_known CHECK (
        state IN ('waiting', 'sending', 'sent', 'refused', 'dropped', 'bundled')),
    ADD CONSTRAINT bundled_says_with_which CHECK ((state = 'bundled') = (bundle_id IS NOT NULL));
CREATE INDEX mails_waiting_idx ON mails (user_id, kind) WHERE state = 'waiting';
CREATE INDEX mails_bundle_id_idx ON mails (bundle_id) WHERE bundle_id IS NOT NULL;
""")


def downgrade() -> None:
    # The parts have no text of their own, so they end as what their bundle was sent for.
    op.execute("""
DROP INDEX mails_bundle_id_idx, mails_waiting_idx;
UPDATE mails SET state = 'dropped', last_error = 'Sent as a part of another email', bundle_id = NULL
WHERE state = 'bundled';
ALTER TABLE mails
    DROP COLUMN bundle_id,
    DROP CONSTRAINT mail_state_known,
    ADD CONSTRAINT mail_state_known CHECK (
        state IN ('waiting', 'sending', 'sent', 'refused', 'dropped'));
""")
