"""The audit trail: append-only records and seals.

The application may read and add rows; triggers stop even the owner from changing or deleting one.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = r"""
CREATE TABLE audit_records (
    id uuid CONSTRAINT audit_records_pkey PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    actor_id uuid,
    actor_role text,
    session_id uuid,
    on_behalf_of uuid,
    action text NOT NULL CONSTRAINT action_is_noun_verb
        CHECK (action ~ '^[a-z][a-z_]*\.[a-z][a-z_]*$'),
    subject text NOT NULL CONSTRAINT subject_is_named CHECK (subject <> ''),
    -- json, not jsonb: the text that was hashed is the text that is kept.
    before json,
    after json,
    reason text,
    request_id text,
    outcome text NOT NULL CONSTRAINT outcome_known CHECK (outcome IN ('done', 'denied')),
    key_id text NOT NULL,
    mac bytea NOT NULL CONSTRAINT mac_is_sha256 CHECK (octet_length(mac) = 32),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX audit_records_xid_id_idx ON audit_records (xid, id);
CREATE INDEX audit_records_actor_id_id_idx ON audit_records (actor_id, id);
CREATE INDEX audit_records_subject_id_idx ON audit_records (subject, id);
CREATE INDEX audit_records_action_id_idx ON audit_records (action, id);

CREATE TABLE audit_seals (
    position bigint CONSTRAINT audit_seals_pkey PRIMARY KEY
        CONSTRAINT position_counts_from_one CHECK (position > 0),
    record_id uuid NOT NULL CONSTRAINT audit_seals_record_id_key UNIQUE
        CONSTRAINT audit_seals_record_id_fkey REFERENCES audit_records,
    xid xid8 NOT NULL,
    sealed_at timestamptz NOT NULL,
    key_id text NOT NULL,
    digest bytea NOT NULL CONSTRAINT digest_is_sha256 CHECK (octet_length(digest) = 32)
);

CREATE TRIGGER audit_records_append_only BEFORE UPDATE OR DELETE ON audit_records
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER audit_records_never_truncated BEFORE TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE ON audit_seals
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER audit_seals_never_truncated BEFORE TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON audit_records, audit_seals FROM {role}")


def downgrade() -> None:
    op.execute("DROP TABLE audit_seals, audit_records")
