"""Codes against which goods are handed over at a branch."""

from alembic import op

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None

_PURPOSES = "'confirm_email', 'reset_password', 'invitation', 'guest'"


def upgrade() -> None:
    op.execute(f"""
ALTER TABLE one_time_tokens
    DROP CONSTRAINT purpose_known,
    ADD CONSTRAINT purpose_known CHECK (purpose IN ({_PURPOSES}, 'collection'));
ALTER TABLE shipments
    ADD COLUMN code_id uuid,
    ADD COLUMN code_failures smallint NOT NULL DEFAULT 0;
CREATE INDEX shipments_subject_number_idx ON shipments (subject_number);
""")
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"GRANT UPDATE (code_id, code_failures) ON shipments TO {role}")
    op.execute(
        "SELECT set_default_holders('branch:shipments:hand_over', '{TELLER,INVENTORY,ADMIN}')"
    )


def downgrade() -> None:
    """Forget the codes: goods that wait need a new one."""
    op.execute(f"""
DROP INDEX shipments_subject_number_idx;
ALTER TABLE shipments DROP COLUMN code_id, DROP COLUMN code_failures;
DELETE FROM one_time_tokens WHERE purpose = 'collection';
ALTER TABLE one_time_tokens
    DROP CONSTRAINT purpose_known,
    ADD CONSTRAINT purpose_known CHECK (purpose IN ({_PURPOSES}));
""")
