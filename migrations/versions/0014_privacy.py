"""Consents, exports and erasures; nothing can be added about an erased person.

The row of an erased person remains, because orders and entries refer to it, but it no longer
identifies them. Triggers keep it so: a transaction that runs at that moment waits for the erasure
at the person's row and is refused.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

#: Orders and transfers require a balance, and a person with a balance cannot be erased.
GUARDED = (
    "addresses",
    "api_keys",
    "consents",
    "exports",
    "login_sessions",
    "one_time_tokens",
    "passkey_challenges",
    "passkeys",
    "quotes",
    "sign_ins",
    "totp_credentials",
)
TABLES = """
ALTER TABLE users
    ADD COLUMN erased_at timestamptz,
    DROP CONSTRAINT user_status_known,
    ADD CONSTRAINT user_status_known CHECK (status IN ('active', 'suspended', 'erased')),
    ADD CONSTRAINT erased_says_when CHECK ((status = 'erased') = (erased_at IS NOT NULL));

ALTER TABLE mails
    ADD COLUMN recipient_sealed bytea,
    ADD CONSTRAINT recipient_until_settled
        CHECK (recipient_sealed IS NULL OR state IN ('waiting', 'sending'));

CREATE TABLE consents (
    id uuid CONSTRAINT consents_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT consents_user_id_fkey REFERENCES users,
    policy text NOT NULL,
    version integer NOT NULL CONSTRAINT policy_version_counts_from_one CHECK (version > 0),
    given boolean NOT NULL,
    decided_at timestamptz NOT NULL,
    channel text NOT NULL
        CONSTRAINT consent_channel_known CHECK (channel IN ('registration', 'api'))
);
CREATE INDEX consents_user_id_id_idx ON consents (user_id, id);

CREATE TABLE exports (
    id uuid CONSTRAINT exports_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT exports_user_id_fkey REFERENCES users,
    status text NOT NULL CONSTRAINT export_status_known
        CHECK (status IN ('pending', 'ready', 'expired', 'cancelled')),
    requested_at timestamptz NOT NULL,
    ready_at timestamptz,
    expires_at timestamptz,
    size_bytes integer,
    archive_sealed bytea,
    CONSTRAINT archive_while_ready CHECK ((archive_sealed IS NOT NULL) = (status = 'ready')),
    CONSTRAINT ready_is_whole CHECK (num_nulls(ready_at, expires_at, size_bytes) IN (0, 3)),
    CONSTRAINT ready_says_when
        CHECK (status = 'cancelled' OR (ready_at IS NULL) = (status = 'pending'))
);
CREATE UNIQUE INDEX exports_one_pending_key ON exports (user_id) WHERE status = 'pending';
CREATE INDEX exports_user_id_id_idx ON exports (user_id, id);
CREATE INDEX exports_ready_expires_at_idx ON exports (expires_at) WHERE status = 'ready';

CREATE TABLE erasures (
    id uuid CONSTRAINT erasures_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT erasures_user_id_key UNIQUE
        CONSTRAINT erasures_user_id_fkey REFERENCES users,
    erased_at timestamptz NOT NULL,
    kept_until timestamptz NOT NULL CONSTRAINT kept_for_a_while CHECK (kept_until > erased_at),
    approval_id uuid
);

CREATE TRIGGER consents_append_only BEFORE UPDATE OR DELETE ON consents
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER consents_never_truncated BEFORE TRUNCATE ON consents
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER erasures_append_only BEFORE UPDATE OR DELETE ON erasures
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER erasures_never_truncated BEFORE TRUNCATE ON erasures
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();

CREATE FUNCTION forbid_changing_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this person was erased' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'nobody_erased';
END $$;
CREATE TRIGGER users_erased_for_good BEFORE UPDATE OR DELETE ON users
    FOR EACH ROW WHEN (OLD.erased_at IS NOT NULL) EXECUTE FUNCTION forbid_changing_erased();

-- The lock is the one that the foreign key takes anyway. An erasure that has begun is waited for,
-- and then the condition is asked again of the row that it left.
CREATE FUNCTION forbid_adding_to_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.user_id AND erased_at IS NULL FOR KEY SHARE;
    IF NOT FOUND AND NEW.user_id IS NOT NULL THEN
        RAISE EXCEPTION 'this person was erased' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'nobody_erased';
    END IF;
    RETURN NEW;
END $$;
"""
GUARD = """
CREATE TRIGGER {table}_of_nobody_erased BEFORE INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute("".join(GUARD.format(table=table) for table in GUARDED))
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role = op.get_bind().exec_driver_sql(setting).scalar_one()
    op.execute(f"REVOKE UPDATE, DELETE ON consents, erasures FROM {role}")


def downgrade() -> None:
    kept = [table for table in GUARDED if table not in {"consents", "exports"}]
    op.execute("".join(f"DROP TRIGGER {table}_of_nobody_erased ON {table};" for table in kept))
    op.execute("""
DROP TABLE erasures, exports, consents;
DROP TRIGGER users_erased_for_good ON users;
DROP FUNCTION forbid_adding_to_erased();
DROP FUNCTION forbid_changing_erased();
ALTER TABLE mails DROP COLUMN recipient_sealed;
UPDATE users SET status = 'suspended' WHERE status = 'erased';
ALTER TABLE users
    DROP COLUMN erased_at,
    DROP CONSTRAINT user_status_known,
    ADD CONSTRAINT user_status_known CHECK (status IN ('active', 'suspended'));
""")
