"""Forms of sensitive acts, kept while the person proves their identity again."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE kept_forms (
    id uuid CONSTRAINT kept_forms_pkey PRIMARY KEY,
    session_id uuid NOT NULL CONSTRAINT kept_forms_session_id_fkey
        REFERENCES login_sessions ON DELETE CASCADE,
    kept_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    form_sealed bytea,
    CONSTRAINT kept_form_expires_after_start CHECK (expires_at > kept_at),
    CONSTRAINT form_until_used CHECK ((form_sealed IS NULL) = (used_at IS NOT NULL))
);
CREATE INDEX kept_forms_session_id_idx ON kept_forms (session_id);
CREATE INDEX kept_forms_waiting_expires_at_idx ON kept_forms (expires_at) WHERE used_at IS NULL;

-- However a session ends, the forms that it did not finish end with it.
CREATE FUNCTION delete_waiting_forms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM kept_forms WHERE session_id = new.id AND used_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER login_sessions_end_waiting_forms AFTER UPDATE OF revoked_at ON login_sessions
    FOR EACH ROW WHEN (new.revoked_at IS NOT NULL) EXECUTE FUNCTION delete_waiting_forms();
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("""
DROP TRIGGER login_sessions_end_waiting_forms ON login_sessions;
DROP FUNCTION delete_waiting_forms();
DROP TABLE kept_forms;
""")
