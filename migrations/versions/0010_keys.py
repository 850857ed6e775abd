"""Key rotations, postal addresses (sealed), and customers' API keys."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = r"""
CREATE TABLE key_rotations (
    id uuid CONSTRAINT key_rotations_pkey PRIMARY KEY,
    key_id text NOT NULL CONSTRAINT key_id_is_hexadecimal CHECK (key_id ~ '^[0-9a-f]{16}$'),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    at_table text,
    at_column text,
    after_key text,
    pass_changed boolean NOT NULL DEFAULT false,
    rewrapped bigint NOT NULL DEFAULT 0,
    unreadable bigint NOT NULL DEFAULT 0,
    CONSTRAINT values_not_negative CHECK (rewrapped >= 0 AND unreadable >= 0),
    CONSTRAINT place_is_whole CHECK ((at_table IS NULL) = (at_column IS NULL))
);
CREATE UNIQUE INDEX key_rotations_unfinished_key ON key_rotations ((finished_at IS NULL))
    WHERE finished_at IS NULL;

CREATE TABLE addresses (
    id uuid CONSTRAINT addresses_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT addresses_user_id_fkey REFERENCES users,
    details_sealed bytea NOT NULL,
    is_default boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX addresses_user_id_id_idx ON addresses (user_id, id);
CREATE UNIQUE INDEX addresses_default_key ON addresses (user_id) WHERE is_default;

CREATE TABLE api_keys (
    id uuid CONSTRAINT api_keys_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT api_keys_user_id_fkey REFERENCES users,
    name text NOT NULL,
    key_hash bytea NOT NULL CONSTRAINT api_keys_key_hash_key UNIQUE
        CONSTRAINT key_hash_is_sha256 CHECK (octet_length(key_hash) = 32),
    prefix text NOT NULL,
    last_four text NOT NULL,
    scopes text[] NOT NULL CONSTRAINT scopes_given CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz CONSTRAINT api_key_expires_after_start CHECK (expires_at > created_at),
    revoked_at timestamptz
);
CREATE INDEX api_keys_user_id_id_idx ON api_keys (user_id, id);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TABLE api_keys, addresses, key_rotations")
