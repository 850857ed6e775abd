"""A colleague confirms the variance of a drawer with their PIN; administrators may invite tellers,
because they hold what tellers hold."""

from alembic import op

revision = "0130"
down_revision = "0129"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE drawers DROP COLUMN approval_id")
    op.execute("SELECT set_default_holders('branch:drawers:settle', '{TELLER,ADMIN}')")
    op.execute("SELECT set_default_holders('branch:drawers:work', '{TELLER,ADMIN}')")


def downgrade() -> None:
    """Refer to requests again. The permissions stay: grants that were edited are kept."""
    op.execute(
        "ALTER TABLE drawers ADD COLUMN approval_id uuid"
        " CONSTRAINT drawers_approval_id_fkey REFERENCES approvals"
    )
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role = op.get_bind().exec_driver_sql(setting).scalar_one()
    op.execute(f"GRANT UPDATE (approval_id) ON drawers TO {role}")
