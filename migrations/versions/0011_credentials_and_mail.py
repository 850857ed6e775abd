"""One-time links, second factors with their recovery codes, and the delivery of each email."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE one_time_tokens (
    id uuid CONSTRAINT one_time_tokens_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT one_time_tokens_user_id_fkey REFERENCES users,
    purpose text NOT NULL CONSTRAINT purpose_known
        CHECK (purpose IN ('confirm_email', 'reset_password', 'invitation')),
    nonce bytea NOT NULL CONSTRAINT nonce_is_16_bytes CHECK (octet_length(nonce) = 16),
    token_hash bytea NOT NULL CONSTRAINT one_time_tokens_token_hash_key UNIQUE
        CONSTRAINT one_time_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT one_time_expires_after_issue CHECK (expires_at > issued_at)
);
CREATE INDEX one_time_tokens_user_id_idx ON one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expires_at_idx ON one_time_tokens (expires_at);

CREATE TABLE totp_credentials (
    user_id uuid CONSTRAINT totp_credentials_pkey PRIMARY KEY
        CONSTRAINT totp_credentials_user_id_fkey REFERENCES users,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step bigint,
    CONSTRAINT confirmed_by_a_code CHECK (confirmed_at IS NULL OR last_step IS NOT NULL)
);

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL CONSTRAINT recovery_codes_user_id_fkey
        REFERENCES totp_credentials ON DELETE CASCADE,
    code_hash bytea NOT NULL CONSTRAINT code_hash_is_sha256 CHECK (octet_length(code_hash) = 32),
    used_at timestamptz,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE mails (
    id uuid CONSTRAINT mails_pkey PRIMARY KEY,
    user_id uuid NOT NULL,
    event_key text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL CONSTRAINT mail_state_known
        CHECK (state IN ('waiting', 'sending', 'sent', 'refused', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    uncertain integer NOT NULL DEFAULT 0,
    claimed_until timestamptz,
    last_error text,
    staged_at timestamptz NOT NULL,
    sent_at timestamptz,
    CONSTRAINT mails_user_id_event_key_key UNIQUE (user_id, event_key),
    CONSTRAINT sent_says_when CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT sending_is_claimed CHECK ((state = 'sending') = (claimed_until IS NOT NULL)),
    CONSTRAINT not_sent_says_why
        CHECK (state NOT IN ('refused', 'dropped') OR last_error IS NOT NULL),
    CONSTRAINT mail_counts_not_negative CHECK (attempts >= 0 AND uncertain >= 0)
);
CREATE INDEX mails_staged_at_idx ON mails (staged_at);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TABLE mails, recovery_codes, totp_credentials, one_time_tokens")
