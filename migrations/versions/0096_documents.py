"""Numbered documents of sales: invoices."""

from alembic import op

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE sales_documents (
    id uuid CONSTRAINT sales_documents_pkey PRIMARY KEY,
    entity_id uuid NOT NULL CONSTRAINT sales_documents_entity_id_fkey REFERENCES legal_entities,
    kind text NOT NULL CONSTRAINT document_kind_known CHECK (kind IN ('invoice')),
    number bigint CONSTRAINT document_number_is_positive CHECK (number > 0),
    subject text NOT NULL,
    user_id uuid NOT NULL CONSTRAINT sales_documents_user_id_fkey REFERENCES users,
    total_units bigint NOT NULL,
    content_sealed bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    numbered_at timestamptz,
    CONSTRAINT numbered_document_says_when CHECK ((number IS NULL) = (numbered_at IS NULL)),
    CONSTRAINT document_number_is_unique UNIQUE (entity_id, kind, number),
    CONSTRAINT act_is_documented_once UNIQUE (subject, entity_id, kind)
);
CREATE INDEX sales_documents_user_id_id_idx ON sales_documents (user_id, id);
CREATE INDEX sales_documents_issued_at_idx ON sales_documents (issued_at, id);
CREATE INDEX sales_documents_waiting_idx ON sales_documents (entity_id, kind, issued_at)
    WHERE number IS NULL;
CREATE TRIGGER sales_documents_of_no_erased_person BEFORE INSERT ON sales_documents
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TABLE document_counters (
    entity_id uuid NOT NULL CONSTRAINT document_counters_entity_id_fkey REFERENCES legal_entities,
    kind text NOT NULL,
    last_number bigint NOT NULL CONSTRAINT document_counter_counts CHECK (last_number >= 0),
    CONSTRAINT document_counters_pkey PRIMARY KEY (entity_id, kind)
);
CREATE FUNCTION keep_document_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.number IS NOT NULL THEN
        RAISE EXCEPTION 'a numbered document never changes';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER sales_documents_keep_their_number
    BEFORE UPDATE OF number, numbered_at ON sales_documents
    FOR EACH ROW EXECUTE FUNCTION keep_document_number();
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON sales_documents FROM {role}")
    # A rotation of keys seals the content anew.
    op.execute(f"GRANT UPDATE (number, numbered_at, content_sealed) ON sales_documents TO {role}")
    op.execute(f"REVOKE DELETE ON document_counters FROM {role}")


def downgrade() -> None:
    op.execute("DROP TABLE sales_documents, document_counters")
    op.execute("DROP FUNCTION keep_document_number()")
