"""What staff keep about lists: columns and density, saved views, CSV exports."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE list_settings (
    user_id uuid CONSTRAINT list_settings_user_id_fkey REFERENCES users,
    list_name text,
    columns text[],
    density text NOT NULL,
    CONSTRAINT list_settings_pkey PRIMARY KEY (user_id, list_name),
    CONSTRAINT density_known CHECK (density IN ('comfortable', 'compact'))
);
CREATE TABLE saved_views (
    id uuid CONSTRAINT saved_views_pkey PRIMARY KEY,
    owner_id uuid NOT NULL CONSTRAINT saved_views_owner_id_fkey REFERENCES users,
    list_name text NOT NULL,
    name text NOT NULL,
    role text,
    query text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT saved_views_owner_id_list_name_name_key UNIQUE (owner_id, list_name, name),
    CONSTRAINT view_name_has_a_length CHECK (length(name) BETWEEN 1 AND 60),
    CONSTRAINT view_query_has_a_length CHECK (length(query) <= 2000)
);
CREATE INDEX saved_views_list_name_role_idx ON saved_views (list_name, role);
CREATE TABLE list_exports (
    id uuid CONSTRAINT list_exports_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT list_exports_user_id_fkey REFERENCES users,
    list_name text NOT NULL,
    query text NOT NULL,
    status text NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    row_count integer,
    content_sealed bytea,
    CONSTRAINT list_export_status_known CHECK (status IN ('pending', 'ready', 'expired')),
    CONSTRAINT list_export_has_content CHECK ((status = 'ready') = (content_sealed IS NOT NULL))
);
CREATE INDEX list_exports_user_id_idx ON list_exports (user_id, id);

CREATE TRIGGER list_settings_of_nobody_erased BEFORE INSERT ON list_settings
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TRIGGER list_exports_of_nobody_erased BEFORE INSERT ON list_exports
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
""")


def downgrade() -> None:
    op.execute("DROP TABLE list_exports, saved_views, list_settings;")
