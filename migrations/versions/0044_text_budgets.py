"""Text messages: bundles as of emails, and the phone that each went to, as a blind index."""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE texts
    ADD COLUMN bundle_id uuid,
    ADD COLUMN phone_index bytea,
    DROP CONSTRAINT text_state_known,
    ADD CONSTRAINT text_state_known CHECK (
        state IN ('waiting', 'sending', 'sent', 'refused', 'dropped', 'bundled')),
    ADD CONSTRAINT text_bundled_says_with_which
        CHECK ((state = 'bundled') = (bundle_id IS NOT NULL)),
    ADD CONSTRAINT text_phone_index_is_a_mac
        CHECK (phone_index IS NULL OR octet_length(phone_index) = 32);
CREATE INDEX texts_waiting_idx ON texts (user_id, kind) WHERE state = 'waiting';
CREATE INDEX texts_bundle_id_idx ON texts (bundle_id) WHERE bundle_id IS NOT NULL;
CREATE INDEX texts_phone_index_handed_over_at_idx ON texts (phone_index, handed_over_at)
    WHERE handed_over_at IS NOT NULL;
""")


def downgrade() -> None:
    op.execute("""
ALTER TABLE texts
    DROP CONSTRAINT text_state_known,
    DROP CONSTRAINT text_bundled_says_with_which,
    DROP COLUMN bundle_id,
    DROP COLUMN phone_index,
    ADD CONSTRAINT text_state_known CHECK (
        state IN ('waiting', 'sending', 'sent', 'refused', 'dropped'));
DROP INDEX texts_waiting_idx;
""")
