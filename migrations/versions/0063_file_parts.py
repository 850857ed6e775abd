"""Keep data exports and large CSV files in encrypted parts.

Files that are ready were sealed as a whole; they expire, and can be requested again.
"""

from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE file_parts (
    file_id uuid NOT NULL,
    number integer NOT NULL CONSTRAINT part_counts_from_one CHECK (number > 0),
    content bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT file_parts_pkey PRIMARY KEY (file_id, number)
);
CREATE INDEX file_parts_expires_at_idx ON file_parts (expires_at);
-- What is encrypted does not get smaller.
ALTER TABLE file_parts ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE exports DROP CONSTRAINT archive_while_ready;
UPDATE exports SET status = 'expired' WHERE status = 'ready';
ALTER TABLE exports DROP COLUMN archive_sealed,
    ADD COLUMN file_id uuid, ADD COLUMN key_sealed bytea,
    ADD CONSTRAINT archive_while_ready
        CHECK (num_nonnulls(file_id, key_sealed) = CASE status WHEN 'ready' THEN 2 ELSE 0 END);

ALTER TABLE list_exports DROP CONSTRAINT list_export_has_content;
UPDATE list_exports SET status = 'expired' WHERE status = 'ready';
ALTER TABLE list_exports DROP COLUMN content_sealed,
    ADD COLUMN file_id uuid, ADD COLUMN key_sealed bytea, ADD COLUMN size_bytes bigint,
    ADD CONSTRAINT list_export_has_content CHECK (
        num_nonnulls(file_id, key_sealed, size_bytes)
            = CASE status WHEN 'ready' THEN 3 ELSE 0 END);
"""
RIGHTS = "REVOKE UPDATE ON file_parts FROM {role}"

UNDONE = """
ALTER TABLE list_exports DROP CONSTRAINT list_export_has_content;
UPDATE list_exports SET status = 'expired' WHERE status = 'ready';
ALTER TABLE list_exports DROP COLUMN file_id, DROP COLUMN key_sealed, DROP COLUMN size_bytes,
    ADD COLUMN content_sealed bytea,
    ADD CONSTRAINT list_export_has_content
        CHECK ((status = 'ready') = (content_sealed IS NOT NULL));

ALTER TABLE exports DROP CONSTRAINT archive_while_ready;
UPDATE exports SET status = 'expired' WHERE status = 'ready';
ALTER TABLE exports DROP COLUMN file_id, DROP COLUMN key_sealed,
    ADD COLUMN archive_sealed bytea,
    ADD CONSTRAINT archive_while_ready
        CHECK ((archive_sealed IS NOT NULL) = (status = 'ready'));
DROP TABLE file_parts;
"""


def _application_role() -> str:
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    return op.get_bind().exec_driver_sql(setting).scalar_one()


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(RIGHTS.format(role=_application_role()))


def downgrade() -> None:
    op.execute(UNDONE)
