"""Credit notes: what of an invoice was given back."""

from alembic import op

revision = "0113"
down_revision = "0112"
branch_labels = None
depends_on = None

KINDS = """
ALTER TABLE sales_documents
    DROP CONSTRAINT document_kind_known,
    ADD CONSTRAINT document_kind_known CHECK (kind IN ({kinds}))
"""


def upgrade() -> None:
    op.execute(KINDS.format(kinds="'invoice', 'credit_note'"))


def downgrade() -> None:
    """Forget the kind. Credit notes must be gone before."""
    op.execute(KINDS.format(kinds="'invoice'"))
