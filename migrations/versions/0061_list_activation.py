"""Make a version of the sanctions list current once it is indexed, not when it is imported."""

from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE sanctions_lists ADD COLUMN current_at timestamptz;
UPDATE sanctions_lists SET current_at = imported_at;
CREATE TABLE screening_processes (
    id uuid CONSTRAINT screening_processes_pkey PRIMARY KEY,
    ready_version integer NOT NULL,
    seen_at timestamptz NOT NULL
);
""")
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role = op.get_bind().exec_driver_sql(setting).scalar_one()
    op.execute(f"GRANT UPDATE (current_at) ON sanctions_lists TO {role}")


def downgrade() -> None:
    op.execute("DROP TABLE screening_processes; ALTER TABLE sanctions_lists DROP COLUMN current_at")
