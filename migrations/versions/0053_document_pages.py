"""Keep the pages of documents as pictures, and what the check of a document concluded.

Documents that are there were accepted when they were sent. A job draws their pages too; one that
cannot be drawn stays as it is, because evidence has to be kept.
"""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE kyc_documents
    ADD COLUMN state text NOT NULL DEFAULT 'accepted',
    ADD COLUMN problem text,
    ADD COLUMN page_count integer,
    ADD COLUMN checked_at timestamptz,
    ALTER COLUMN content DROP NOT NULL,
    ADD CONSTRAINT document_state_known CHECK (state IN ('received', 'accepted', 'refused')),
    ADD CONSTRAINT document_refused_for_a_problem
        CHECK ((state = 'refused') = (problem IS NOT NULL)),
    ADD CONSTRAINT document_is_kept_as_pages CHECK (CASE state
        WHEN 'received' THEN content IS NOT NULL
        WHEN 'refused' THEN content IS NULL
        ELSE (content IS NULL) = (page_count IS NOT NULL) END),
    ADD CONSTRAINT page_count_known CHECK (page_count BETWEEN 1 AND 60);
ALTER TABLE kyc_documents ALTER COLUMN state DROP DEFAULT;

CREATE TABLE kyc_document_pages (
    document_id uuid NOT NULL CONSTRAINT kyc_document_pages_document_id_fkey
        REFERENCES kyc_documents ON DELETE CASCADE,
    number integer NOT NULL
        CONSTRAINT document_page_number_known CHECK (number BETWEEN 1 AND 60),
    content bytea NOT NULL,
    CONSTRAINT kyc_document_pages_pkey PRIMARY KEY (document_id, number)
);
-- What is encrypted does not get smaller.
ALTER TABLE kyc_document_pages ALTER COLUMN content SET STORAGE EXTERNAL;

INSERT INTO outbox (id, task, args, queue, staged_at, due_at)
SELECT gen_random_uuid(), 'kyc.check_document', jsonb_build_object('document_id', id::text),
    'fulfillment', now(), now()
FROM kyc_documents;
"""

RIGHTS = """
REVOKE UPDATE ON kyc_document_pages FROM {role};
GRANT UPDATE (state, problem, page_count, checked_at, content) ON kyc_documents TO {role};
"""


def _application_role() -> str:
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    return op.get_bind().exec_driver_sql(setting).scalar_one()


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(RIGHTS.format(role=_application_role()))


def downgrade() -> None:
    op.execute(f"REVOKE UPDATE (content) ON kyc_documents FROM {_application_role()}")
    op.execute("""
DELETE FROM outbox WHERE task = 'kyc.check_document';
DELETE FROM kyc_documents WHERE content IS NULL;
DROP TABLE kyc_document_pages;
ALTER TABLE kyc_documents
    DROP CONSTRAINT document_is_kept_as_pages,
    DROP COLUMN state, DROP COLUMN problem, DROP COLUMN page_count, DROP COLUMN checked_at,
    ALTER COLUMN content SET NOT NULL;
""")
