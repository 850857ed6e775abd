"""A category without products and without categories below it can be deleted."""

from alembic import op

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None

ROLE = "SELECT quote_ident(current_setting('pbcex.application_role'))"


def upgrade() -> None:
    role = op.get_bind().exec_driver_sql(ROLE).scalar_one()
    op.execute(f"GRANT DELETE ON product_categories TO {role}")


def downgrade() -> None:
    role = op.get_bind().exec_driver_sql(ROLE).scalar_one()
    op.execute(f"REVOKE DELETE ON product_categories FROM {role}")
