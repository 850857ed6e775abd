"""Imports of CSV files, and what the check of each row found."""

from alembic import op

revision = "0090"
down_revision = "0089"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE imports (
    id uuid CONSTRAINT imports_pkey PRIMARY KEY,
    kind text NOT NULL,
    file_name text NOT NULL,
    state text NOT NULL CONSTRAINT import_state_known CHECK (state IN (
        'checking', 'wrong', 'checked', 'applying', 'done', 'failed', 'expired'
    )),
    row_count integer NOT NULL,
    progress integer NOT NULL,
    added_count integer NOT NULL,
    changed_count integer NOT NULL,
    same_count integer NOT NULL,
    wrong_count integer NOT NULL,
    problem text NOT NULL,
    content bytea,
    requested_by uuid NOT NULL CONSTRAINT imports_requested_by_fkey REFERENCES users,
    requested_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT import_content_is_kept_until_it_is_settled CHECK (
        (content IS NOT NULL) = (state IN ('checking', 'checked', 'applying'))
    )
);
CREATE INDEX imports_requested_by_idx ON imports (requested_by);
CREATE TABLE import_rows (
    import_id uuid NOT NULL CONSTRAINT import_rows_import_id_fkey
        REFERENCES imports ON DELETE CASCADE,
    line integer NOT NULL,
    outcome text NOT NULL CONSTRAINT import_row_outcome_known CHECK (
        outcome IN ('added', 'changed', 'same', 'wrong')
    ),
    subject text NOT NULL,
    changes text[] NOT NULL,
    problems jsonb NOT NULL,
    CONSTRAINT import_rows_pkey PRIMARY KEY (import_id, line)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON imports FROM {role}")
    op.execute(f"REVOKE UPDATE ON import_rows FROM {role}")
    op.execute(
        "GRANT UPDATE (state, progress, added_count, changed_count, same_count, wrong_count,"
        f" problem, content, requested_by, settled_at) ON imports TO {role}"
    )
    op.execute("SELECT set_default_holders('all:imports:use', '{INVENTORY,ADMIN}')")


def downgrade() -> None:
    op.execute("DROP TABLE import_rows, imports;")
