"""Hits of screenings say whether a listed number is equal, and how alike the names are."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "screening_hits",
        sa.Column("number", sa.Text, nullable=False, server_default="unknown"),
    )
    op.add_column("screening_hits", sa.Column("likeness", sa.SmallInteger))
    op.create_check_constraint(
        "hit_likeness_is_a_score", "screening_hits", "likeness BETWEEN 0 AND 100"
    )


def downgrade() -> None:
    op.drop_column("screening_hits", "likeness")
    op.drop_column("screening_hits", "number")
