"""People, their login sessions and refresh tokens, and counters of failed sign-ins."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = r"""
CREATE TABLE users (
    id uuid CONSTRAINT users_pkey PRIMARY KEY,
    email text NOT NULL,
    email_key text NOT NULL CONSTRAINT users_email_key_key UNIQUE,
    password_hash text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    phone text CONSTRAINT phone_is_e164 CHECK (phone ~ '^\+[1-9][0-9]{3,14}$'),
    role text NOT NULL CONSTRAINT role_known CHECK (role IN
        ('USER', 'SUPPORT', 'TELLER', 'INVENTORY', 'COMPLIANCE', 'AUDITOR', 'ADMIN')),
    status text NOT NULL DEFAULT 'active' CONSTRAINT user_status_known
        CHECK (status IN ('active', 'suspended')),
    email_confirmed_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE TABLE login_sessions (
    id uuid CONSTRAINT login_sessions_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT login_sessions_user_id_fkey REFERENCES users,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason text CONSTRAINT revoked_reason_known
        CHECK (revoked_reason IN ('logged_out', 'token_reused', 'password_changed')),
    CONSTRAINT reason_if_revoked CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL)),
    CONSTRAINT session_expires_after_start CHECK (expires_at > created_at)
);
CREATE INDEX login_sessions_user_id_idx ON login_sessions (user_id);
CREATE INDEX login_sessions_expires_at_idx ON login_sessions (expires_at);

CREATE TABLE refresh_tokens (
    token_hash bytea CONSTRAINT refresh_tokens_pkey PRIMARY KEY
        CONSTRAINT token_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    session_id uuid NOT NULL
        CONSTRAINT refresh_tokens_session_id_fkey REFERENCES login_sessions,
    issued_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);

CREATE TABLE login_failures (
    key text CONSTRAINT login_failures_pkey PRIMARY KEY,
    failures integer NOT NULL CONSTRAINT failures_counted CHECK (failures > 0),
    blocked_until timestamptz,
    forget_at timestamptz NOT NULL
);
CREATE INDEX login_failures_forget_at_idx ON login_failures (forget_at);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TABLE login_failures, refresh_tokens, login_sessions, users")
