"""Receipts of cash at a counter, numbered without gaps in each branch."""

from alembic import op

revision = "0125"
down_revision = "0124"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE cash_receipts (
    id uuid NOT NULL CONSTRAINT cash_receipts_pkey PRIMARY KEY,
    branch_id uuid NOT NULL CONSTRAINT cash_receipts_branch_id_fkey REFERENCES branches,
    number integer NOT NULL,
    user_id uuid NOT NULL CONSTRAINT cash_receipts_user_id_fkey REFERENCES users,
    reference text NOT NULL CONSTRAINT cash_receipts_reference_key UNIQUE,
    written_at timestamptz NOT NULL,
    issues integer NOT NULL DEFAULT 1 CONSTRAINT receipt_was_issued CHECK (issues > 0),
    CONSTRAINT cash_receipts_branch_id_number_key UNIQUE (branch_id, number)
);
CREATE INDEX cash_receipts_user_id_idx ON cash_receipts (user_id, id);
CREATE TRIGGER cash_receipts_of_no_erased_person BEFORE INSERT ON cash_receipts
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
ALTER TABLE safes ADD COLUMN last_receipt integer NOT NULL DEFAULT 0;
""")
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role = op.get_bind().exec_driver_sql(setting).scalar_one()
    op.execute(f"REVOKE UPDATE, DELETE ON cash_receipts FROM {role}")
    op.execute(f"GRANT UPDATE (issues) ON cash_receipts TO {role}")
    op.execute(f"GRANT UPDATE (last_receipt) ON safes TO {role}")


def downgrade() -> None:
    """Forget the receipts."""
    op.execute("DROP TABLE cash_receipts")
    op.execute("ALTER TABLE safes DROP COLUMN last_receipt")
