"""Verify the phones of people by a code. No phone counts as verified before."""

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE users
    ADD COLUMN phone_verified_at timestamptz,
    ADD CONSTRAINT verified_phone_is_there
        CHECK (phone_verified_at IS NULL OR phone IS NOT NULL);
CREATE TABLE phone_codes (
    id uuid CONSTRAINT phone_codes_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT phone_codes_user_id_fkey REFERENCES users,
    phone_index bytea NOT NULL
        CONSTRAINT code_phone_index_is_a_mac CHECK (octet_length(phone_index) = 32),
    nonce bytea NOT NULL
        CONSTRAINT phone_code_nonce_is_16_bytes CHECK (octet_length(nonce) = 16),
    sent_at timestamptz NOT NULL,
    failures integer DEFAULT 0 NOT NULL
        CONSTRAINT phone_code_failures_not_negative CHECK (failures >= 0),
    ended_at timestamptz
);
CREATE INDEX phone_codes_user_id_sent_at_idx ON phone_codes (user_id, sent_at);
CREATE INDEX phone_codes_phone_index_sent_at_idx ON phone_codes (phone_index, sent_at);
CREATE INDEX phone_codes_sent_at_idx ON phone_codes (sent_at);
CREATE TRIGGER phone_codes_of_nobody_erased BEFORE INSERT ON phone_codes
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
""")


def downgrade() -> None:
    op.execute("""
DROP TABLE phone_codes;
ALTER TABLE users DROP COLUMN phone_verified_at;
""")
