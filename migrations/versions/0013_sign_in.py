"""Pending sign-ins, passkeys with their challenges, and the browser and network of a session."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE login_sessions
    ADD COLUMN browser text,
    ADD COLUMN network text,
    ADD COLUMN proven_at timestamptz;
UPDATE login_sessions SET proven_at = created_at WHERE secret_hash IS NOT NULL;
ALTER TABLE login_sessions
    ADD CONSTRAINT proven_if_in_browser CHECK ((proven_at IS NULL) = (secret_hash IS NULL));

CREATE TABLE sign_ins (
    secret_hash bytea CONSTRAINT sign_ins_pkey PRIMARY KEY
        CONSTRAINT sign_in_hash_is_sha256 CHECK (octet_length(secret_hash) = 32),
    user_id uuid NOT NULL CONSTRAINT sign_ins_user_id_fkey REFERENCES users,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT sign_in_expires_after_start CHECK (expires_at > started_at)
);
CREATE INDEX sign_ins_user_id_idx ON sign_ins (user_id);
CREATE INDEX sign_ins_expires_at_idx ON sign_ins (expires_at);

CREATE TABLE passkeys (
    id uuid CONSTRAINT passkeys_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT passkeys_user_id_fkey REFERENCES users,
    credential_id bytea NOT NULL CONSTRAINT passkeys_credential_id_key UNIQUE
        CONSTRAINT credential_id_has_a_length
            CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL CONSTRAINT sign_count_not_negative CHECK (sign_count >= 0),
    name text NOT NULL
        CONSTRAINT passkey_name_has_a_length CHECK (length(name) BETWEEN 1 AND 60),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX passkeys_user_id_idx ON passkeys (user_id);

CREATE TABLE passkey_challenges (
    challenge_hash bytea CONSTRAINT passkey_challenges_pkey PRIMARY KEY
        CONSTRAINT challenge_hash_is_sha256 CHECK (octet_length(challenge_hash) = 32),
    purpose text NOT NULL CONSTRAINT challenge_purpose_known
        CHECK (purpose IN ('register', 'sign_in', 'step_up')),
    user_id uuid CONSTRAINT passkey_challenges_user_id_fkey REFERENCES users,
    expires_at timestamptz NOT NULL,
    CONSTRAINT challenge_is_somebodys CHECK ((user_id IS NULL) = (purpose = 'sign_in'))
);
CREATE INDEX passkey_challenges_expires_at_idx ON passkey_challenges (expires_at);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("""
DROP TABLE passkey_challenges, passkeys, sign_ins;
ALTER TABLE login_sessions DROP COLUMN browser, DROP COLUMN network, DROP COLUMN proven_at;
""")
