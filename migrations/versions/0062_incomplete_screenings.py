"""Let a hit by name alone wait for another fact instead of a case."""

from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

VERDICTS = """
ALTER TABLE screenings DROP CONSTRAINT screening_verdict_known,
    ADD CONSTRAINT screening_verdict_known CHECK (verdict IN ({}))
"""


def upgrade() -> None:
    op.execute(VERDICTS.format("'clear', 'review', 'incomplete', 'blocked'"))


def downgrade() -> None:
    """Those who wait for another fact wait for nothing: they are screened again with a new list."""
    op.execute("UPDATE screenings SET verdict = 'clear' WHERE verdict = 'incomplete'")
    op.execute(VERDICTS.format("'clear', 'review', 'blocked'"))
