"""Cash that crosses a counter, and the reports that it makes due."""

from alembic import op

revision = "0119"
down_revision = "0118"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE cash_transactions (
    id uuid CONSTRAINT cash_transactions_pkey PRIMARY KEY,
    legal_entity_id uuid NOT NULL
        CONSTRAINT cash_transactions_legal_entity_id_fkey REFERENCES legal_entities,
    branch_id uuid NOT NULL CONSTRAINT cash_transactions_branch_id_fkey REFERENCES branches,
    conductor_id uuid NOT NULL CONSTRAINT cash_transactions_conductor_id_fkey REFERENCES users,
    beneficiary_id uuid NOT NULL CONSTRAINT cash_transactions_beneficiary_id_fkey REFERENCES users,
    direction text NOT NULL CONSTRAINT cash_direction_known CHECK (direction IN ('in', 'out')),
    instrument text NOT NULL CONSTRAINT cash_instrument_known
        CHECK (instrument IN ('cash', 'cashiers_cheque', 'money_order')),
    amount_units bigint NOT NULL CONSTRAINT cash_is_of_something CHECK (amount_units > 0),
    at timestamptz NOT NULL,
    business_day date NOT NULL,
    reference text NOT NULL CONSTRAINT cash_transactions_reference_key UNIQUE
        CONSTRAINT cash_reference_length CHECK (length(reference) BETWEEN 1 AND 60),
    relates_to text
);
CREATE INDEX cash_transactions_beneficiary_idx
    ON cash_transactions (beneficiary_id, legal_entity_id, business_day);
CREATE INDEX cash_transactions_conductor_idx
    ON cash_transactions (conductor_id, legal_entity_id, business_day);
CREATE TABLE cash_reports (
    id uuid CONSTRAINT cash_reports_pkey PRIMARY KEY,
    legal_entity_id uuid NOT NULL
        CONSTRAINT cash_reports_legal_entity_id_fkey REFERENCES legal_entities,
    regime text NOT NULL CONSTRAINT cash_report_law_known CHECK (regime IN ('CTR', 'FORM_8300')),
    person_id uuid NOT NULL CONSTRAINT cash_reports_person_id_fkey REFERENCES users,
    direction text NOT NULL
        CONSTRAINT cash_report_direction_known CHECK (direction IN ('in', 'out')),
    business_day date NOT NULL,
    due_on date NOT NULL,
    status text NOT NULL CONSTRAINT cash_report_status_known
        CHECK (status IN ('draft', 'filed', 'withdrawn')),
    total_units bigint NOT NULL
        CONSTRAINT cash_report_is_above_the_threshold CHECK (total_units > 1000000),
    drafted_at timestamptz NOT NULL,
    filed_at timestamptz,
    filed_by uuid,
    filing_reference text,
    fields_sealed bytea,
    withdrawn_at timestamptz,
    approval_id uuid,
    CONSTRAINT filed_report_says_how CHECK (
        num_nulls(filed_at, filed_by, filing_reference, fields_sealed)
            = CASE status WHEN 'filed' THEN 0 ELSE 4 END
    ),
    CONSTRAINT withdrawn_report_says_when
        CHECK ((withdrawn_at IS NOT NULL) = (status = 'withdrawn')),
    CONSTRAINT report_is_withdrawn_by_a_request
        CHECK ((withdrawn_at IS NULL) = (approval_id IS NULL))
);
CREATE INDEX cash_reports_person_id_idx ON cash_reports (person_id);
CREATE INDEX cash_reports_due_on_id_idx ON cash_reports (due_on, id);
CREATE INDEX cash_reports_draft_idx ON cash_reports (id) WHERE status = 'draft';
CREATE TABLE cash_report_transactions (
    report_id uuid NOT NULL
        CONSTRAINT cash_report_transactions_report_id_fkey REFERENCES cash_reports,
    transaction_id uuid NOT NULL
        CONSTRAINT cash_report_transactions_transaction_id_fkey REFERENCES cash_transactions,
    CONSTRAINT cash_report_transactions_pkey PRIMARY KEY (report_id, transaction_id)
);
CREATE INDEX cash_report_transactions_transaction_id_idx
    ON cash_report_transactions (transaction_id);
CREATE TABLE cash_report_people (
    id uuid CONSTRAINT cash_report_people_pkey PRIMARY KEY,
    report_id uuid NOT NULL CONSTRAINT cash_report_people_report_id_fkey REFERENCES cash_reports,
    person_id uuid NOT NULL CONSTRAINT cash_report_people_person_id_fkey REFERENCES users,
    occupation_sealed bytea,
    CONSTRAINT cash_report_people_once_key UNIQUE (report_id, person_id)
);
CREATE INDEX cash_report_people_person_id_idx ON cash_report_people (person_id);
SELECT set_default_holders('all:cash_reports:read', '{COMPLIANCE,AUDITOR,ADMIN}');
SELECT set_default_holders('all:cash_reports:file', '{COMPLIANCE,ADMIN}');
"""
TABLES = ("cash_transactions", "cash_reports", "cash_report_transactions", "cash_report_people")


def upgrade() -> None:
    op.execute(UPGRADE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    for table in TABLES:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {role}")
    op.execute(
        "GRANT UPDATE (status, total_units, filed_at, filed_by, filing_reference, fields_sealed,"
        f" withdrawn_at, approval_id) ON cash_reports TO {role}"
    )
    op.execute(f"GRANT UPDATE (occupation_sealed) ON cash_report_people TO {role}")


def downgrade() -> None:
    """Forget cash reports. The permissions stay: grants that were edited are kept."""
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
